"""Report and numbers on disk: all is made aside and moved into place last, so nothing is half
written.
"""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..dataset import Dataset
from ..plan import AnalysisPlan
from ..results import Results, results_json
from .html import html
from .pdf import pdf
from .report import compose


@dataclass(frozen=True)
class Written:
    pdf: Path
    html: Path
    json: Path


def write(
    results: Results,
    data: Dataset,
    plan: AnalysisPlan,
    directory: Path,
    *,
    language: str = "en",
    at: datetime,
) -> Written:
    """report.pdf, report.html and results.json in `directory`, made if need be."""
    files = render(results, data, plan, language=language, at=at)
    put(files, directory)
    return Written(*(directory / name for name in files))


def render(
    results: Results, data: Dataset, plan: AnalysisPlan, *, language: str, at: datetime
) -> dict[str, bytes]:
    """The three files by name; `at` is printed as their time."""
    report = compose(results, data, plan, language)
    return {
        "report.pdf": pdf(report, at),
        "report.html": html(report, at).encode(),
        "results.json": results_json(results, data, plan, at).encode(),
    }


def put(files: dict[str, bytes], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    # Inside the target, so that the move is a rename on the same disk.
    with tempfile.TemporaryDirectory(prefix=".making-", dir=directory) as aside:
        for name, content in files.items():
            (Path(aside) / name).write_bytes(content)
        for name in files:
            (Path(aside) / name).replace(directory / name)
