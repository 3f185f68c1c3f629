"""The study folder: files, YAML with lines, and every mistake at once. Knows no Django and no
section's words.
"""

from trial.folder.fields import (
    LARGEST,
    Code,
    Count,
    Day,
    Days,
    Email,
    Entry,
    HeadingText,
    Line,
    Name,
    Number,
    Share,
    Text,
    Web,
    Whole,
)
from trial.folder.parsing import Parsed, parse
from trial.folder.problems import FolderErrors, Problem, listed, unknown
from trial.folder.reading import Folder, Loaded, Part, Section, document_of, read
from trial.folder.source import Loc, Source, parse_yaml

__all__ = [
    "LARGEST",
    "Code",
    "Count",
    "Day",
    "Days",
    "Email",
    "Entry",
    "Folder",
    "FolderErrors",
    "HeadingText",
    "Line",
    "Loaded",
    "Loc",
    "Name",
    "Number",
    "Parsed",
    "Part",
    "Problem",
    "Section",
    "Share",
    "Source",
    "Text",
    "Web",
    "Whole",
    "document_of",
    "listed",
    "parse",
    "parse_yaml",
    "read",
    "unknown",
]
