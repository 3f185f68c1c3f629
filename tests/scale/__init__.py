"""`make scale`: a study of any size, and what its pages, draws, exports, seals and mails cost."""
