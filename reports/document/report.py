"""All chapters in order, in one language."""

from ..dataset import Dataset
from ..plan import AnalysisPlan
from ..results import Results
from .chapters import CHAPTERS, simulated
from .spans import Report
from .writer import Writer


def compose(results: Results, data: Dataset, plan: AnalysisPlan, language: str = "en") -> Report:
    w = Writer(data, plan, results, language)
    blocks = tuple(block for chapter in CHAPTERS for block in chapter(w))
    mark = w.word(simulated(data.meta)) if data.meta.simulated else ""
    foot = f"{w.word('data_foot')} {data.snapshot_hash[:16]}"
    if data.meta.audit_seal:
        foot += f" · {w.word('seal').lower()} {data.meta.audit_seal[:16]}"
    return Report(
        language, w.text(data.meta.title), w.word("report"), mark, foot, w.word("page"), blocks
    )
