"""Zips, plans and data that are broken anywhere: refused in words, or read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from reports.csv_input import BadInput, read_data, read_plan
from tests.fuzzing import nasty, rounds, try_all
from tests.reports.test_csv_input import PLAN, ROWS
from tests.trial.test_folder import SECTIONS, small_files, zipped
from trial.folder import FolderErrors, read

EXAMPLES = 60


def broken_zip(draw: Any) -> bytes:
    whole = bytearray(WHOLE)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(whole) - 1))
        how = draw(st.sampled_from(["change", "cut", "double", "end"]))
        if how == "change":
            whole[at] = draw(st.integers(0, 255))
        elif how == "cut":
            del whole[at : at + draw(st.integers(1, 40))]
        elif how == "double":
            whole[at:at] = whole[at : at + 40]
        else:  # where the directory of a zip stands
            whole[-draw(st.integers(1, 200))] = draw(st.integers(0, 255))
    return bytes(whole)


def named_oddly(name: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for each, content in small_files().items():
            opened.writestr(each, content)
        opened.writestr(zipfile.ZipInfo(name or "x"), b"a: b")
    return archive.getvalue()


WHOLE = zipped(small_files(), zipfile.ZIP_DEFLATED).getvalue()
names = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30
) | st.sampled_from(
    [
        "~$a.docx",
        "a\\b.yaml",
        "..\\a",
        "a//b",
        "a/",
        "\\",
        "/",
        "C:\\a",
        "con",
        "a" * 300,
        "programme/" * 30,
        "é\u0301.yaml",
    ]
)
zips = st.one_of(st.composite(broken_zip)(), names.map(named_oddly))


def check_zip(content: bytes) -> None:
    try:
        read(io.BytesIO(content), SECTIONS)
    except FolderErrors as refused:
        assert refused.problems


plans = nasty.changed(yaml.safe_load(PLAN)).map(lambda value: yaml.safe_dump(value))
cells = st.one_of(
    st.sampled_from(
        ["", "NA", "nan", "inf", "1e400", "1,5", "½", "9" * 400, "\x00", '"', "a\nb", "=1"]
    ),
    nasty.texts,
)


@st.composite
def tables(draw: Any) -> str:
    rows = [line.split(",") for line in ROWS.strip().split("\n")]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(rows) - 1))
        rows[row][draw(st.integers(0, len(rows[row]) - 1))] = draw(cells)
    if draw(st.booleans()):
        rows.append(draw(st.lists(cells, max_size=9)))
    return draw(st.sampled_from(["\n", "\r\n", "\r"])).join(
        draw(st.sampled_from([",", ";", "\t"])).join(row) for row in rows
    )


def test_a_zip_a_plan_and_its_data_are_read_or_refused_in_words(tmp_path: Path):
    (tmp_path / "right.yaml").write_text(PLAN)
    right = read_plan(tmp_path / "right.yaml")

    def check_data(drawn: tuple[str, str]) -> None:
        plan, rows = drawn
        (tmp_path / "plan.yaml").write_text(plan)
        (tmp_path / "data.csv").write_bytes(rows.encode("utf-8", "surrogatepass"))
        for call in (
            lambda: read_data(tmp_path / "data.csv", right, "test"),
            lambda: read_plan(tmp_path / "plan.yaml"),
        ):
            try:
                call()
            except BadInput as refused:
                assert refused.messages

    for number in rounds():
        try_all(zips, check_zip, EXAMPLES, number)
        try_all(st.tuples(plans, tables()), check_data, EXAMPLES, number)
