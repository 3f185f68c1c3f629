"""The coach's desk: whom to call, one person, one call. A supervisor has the same pages for
everybody of the study.
"""
