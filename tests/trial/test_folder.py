import io
import json
import os
import re
import shutil
import stat
import zipfile
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import coaching_protocol.sections
import outcomes.sections
import randomisation.sections
import reports.sections
import trial.sections
from trial.folder import FolderErrors, parse_yaml, read
from trial.folder.files import MOST_BYTES, MOST_FILES, digest
from trial.folder.problems import MOST_PROBLEMS
from trial.folder.reading import LARGEST_LESSON
from trial.folder.source import MOST_VALUES

HERE = Path(__file__).parent
SMALL_STUDY = HERE / "small_study"
STUDIES = HERE.parents[1] / "trial" / "studies"
SECTIONS = (
    trial.sections.section,
    outcomes.sections.section,
    randomisation.sections.section,
    coaching_protocol.sections.section,
    reports.sections.section,
)
MODELS = {
    "study": trial.sections.Study,
    "programme": trial.sections.Programme,
    "consent": trial.sections.Consent,
    "assessments": outcomes.sections.Assessments,
    "randomisation": randomisation.sections.Randomisation,
    "coaching": coaching_protocol.sections.Coaching,
    "analysis": reports.sections.Analysis,
}
CASES = [
    case
    for path in sorted((HERE / "broken").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text("utf-8"))
]


def small_files() -> dict[str, bytes]:
    paths = [path for path in SMALL_STUDY.rglob("*") if path.is_file()]
    return {path.relative_to(SMALL_STUDY).as_posix(): path.read_bytes() for path in paths}


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    archive.seek(0)
    return archive


def edited(edits: list[dict]) -> dict[str, bytes]:
    files = small_files()
    for edit in edits:
        name = edit["file"]
        if "replace" in edit:
            text = files[name].decode()
            assert text.count(edit["replace"]) == 1, (
                f"{edit['replace']!r} is not in {name} exactly once"
            )
            files[name] = text.replace(edit["replace"], edit["with"]).encode()
        elif "delete" in edit:
            del files[name]
        else:
            files[name] = (
                bytes.fromhex(edit["content_hex"])
                if "content_hex" in edit
                else edit["content"].encode()
            )
    return files


def messages(where, today: date | None = None) -> list[str]:
    try:
        read(where, SECTIONS, today)
    except FolderErrors as error:
        return [str(problem) for problem in error.problems]
    return []


def broken_messages(edits: list[dict], today: date | None = None) -> list[str]:
    return messages(zipped(edited(edits)), today)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_broken_folder_lists_every_mistake_and_nothing_else(case):
    assert broken_messages(case["edits"], case.get("today")) == case["expected"]


def test_the_corpus_is_large_and_every_case_is_broken():
    assert len(CASES) >= 45
    assert [case["case"] for case in CASES if not case["expected"]] == []
    assert len({case["case"] for case in CASES}) == len(CASES)


def test_the_small_study_is_read_without_a_note():
    loaded = read(SMALL_STUDY, SECTIONS)
    assert list(loaded.document) == list(MODELS)
    assert loaded.sealed == {"randomisation": {"block_sizes": [2, 4]}}
    assert loaded.notes == ()


@pytest.mark.parametrize("slug", ["living-positive", "guided-or-not"])
def test_the_studies_that_come_with_the_product_are_without_a_mistake(slug):
    assert messages(STUDIES / slug) == []


@pytest.mark.parametrize("name", MODELS)
def test_a_stored_document_gives_the_same_model_back(name):
    stored = json.loads(json.dumps(read(SMALL_STUDY, SECTIONS).document))[name]
    model = MODELS[name].model_validate(stored)
    assert model.model_dump(mode="json", by_alias=True, exclude_none=True) == stored


def test_block_sizes_are_nowhere_in_the_document():
    document = read(SMALL_STUDY, SECTIONS).document
    assert document["randomisation"] == {
        "method": "permuted_blocks",
        "ratio": {"guided": 1, "unguided": 1},
        "strata": ["sex"],
        "factors": {},
        "stages": [],
    }


def test_definitions_hold_what_is_screened_with_and_what_is_asked():
    files = edited(
        [{"file": "study.yaml", "replace": "instrument: PHQ9}", "with": "instrument: PHQ2}"}]
    )
    files["study.yaml"] = files["study.yaml"].replace(
        b"score: PHQ9, above: 4, below: 20", b"score: PHQ2, above: 2"
    )
    document = read(zipped(files), SECTIONS).document
    assert list(document["assessments"]["definitions"]) == ["GAD7", "PHQ2", "PHQ4", "PHQ9"]


def test_a_module_is_an_ordered_list_of_text_and_exercises():
    document = read(SMALL_STUDY, SECTIONS).document
    module = document["programme"]["modules"][1]
    assert [block["kind"] for block in module["blocks"]["nl"]] == [
        "markdown",
        "exercise",
        "markdown",
        "exercise",
    ]
    assert module["blocks"]["nl"][1] == {
        "kind": "exercise",
        "code": "good-things",
        "exercise": "checklist",
        "prompt": "Wat deed je vroeger graag?",
        "options": ["Wandelen", "Muziek", "Een vriend zien"],
    }


def test_plain_scalars_stay_text_until_a_field_asks():
    source = parse_yaml("a.yaml", "a: no\nb: 12:30\nc: 1.10\nd: 2015-09-11\ne: null\nf:\ng: 0x1F")
    assert source.data == {
        "a": "no",
        "b": "12:30",
        "c": "1.10",
        "d": "2015-09-11",
        "e": "null",
        "f": None,
        "g": "0x1F",
    }


def test_a_code_such_as_no_stays_the_word():
    document = read(SMALL_STUDY, SECTIONS).document
    assert [option["code"] for option in document["study"]["questions"][3]["options"]] == [
        "yes",
        "no",
    ]


def test_what_is_not_written_down_has_the_line_of_what_it_belongs_to():
    source = parse_yaml("a.yaml", "a: x\nb:\n  c: y\n")
    assert [source.line(loc) for loc in (("b", "c"), ("b", "left_out"), ("left_out",))] == [3, 2, 1]
    assert parse_yaml("a.yaml", "a: [x").line(("a", 0)) == 1


def test_a_study_loads_without_somebody_who_owns_its_alerts():
    """It opens with one only: trial.life.requirements."""
    written = small_files()["study.yaml"].decode()
    safety = written[written.index("  safety:\n") : written.index("  team:")]
    document = read(
        zipped(edited([{"file": "study.yaml", "replace": safety, "with": ""}])), SECTIONS
    ).document
    assert list(document["study"]["contacts"]) == ["team"]


# what is known is named


def mappings(data, path=()):
    """Every mapping in a parsed file, by the way to it."""
    if isinstance(data, dict):
        yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, dict | list):
            yield from mappings(value, (*path, key))


def with_a_stray_key(name: str, path) -> dict[str, bytes]:
    files = small_files()
    data = inside = yaml.load(files[name], yaml.BaseLoader)
    for part in path:
        inside = inside[part]
    inside["zzz"] = "1"
    return files | {name: yaml.safe_dump(data, sort_keys=False).encode()}


@pytest.mark.parametrize("name", [name for name in small_files() if name.endswith(".yaml")])
def test_an_unknown_key_names_all_that_are_known_there_wherever_it_stands(name):
    asked = 0
    for path in mappings(yaml.load(small_files()[name], yaml.BaseLoader)):
        for message in messages(zipped(with_a_stray_key(name, path))):
            if "unknown key 'zzz'" in message:
                asked += 1
                known = message.partition("known: ")[2]
                assert not re.search(r"none|and \d+ more|\.\.\.", known), message
    assert asked


@pytest.mark.parametrize(
    ("name", "model"),
    [("study.yaml", trial.sections.Study), ("analysis.yaml", reports.sections.Analysis)],
)
def test_the_keys_of_a_whole_file_are_named_in_their_order(name, model):
    [message] = [each for each in messages(zipped(with_a_stray_key(name, ()))) if "zzz" in each]
    keys = [key for key in model.model_fields if key != "chosen_here"]
    assert message.partition("known: ")[2] == ", ".join([*keys, "chosen_here"])


def test_an_empty_file_names_all_that_it_needs():
    [message] = [
        each
        for each in messages(zipped(small_files() | {"study.yaml": b""}))
        if each.startswith("study.yaml")
    ]
    needed = [
        key for key, field in trial.sections.Study.model_fields.items() if field.is_required()
    ]
    assert message == f"study.yaml:1: is empty; it needs {', '.join(needed)}"


# warnings and notes


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        (
            "window: 1, weekdays: [mon, tue, wed, thu, fri]",
            ["a call that is not held on its one day is lost at midnight"],
        ),
        (
            "window: 1",
            ["a call that is not held on its one day", "some calls would fall on a weekend alone"],
        ),
        ("window: 2", ["some calls would fall on a weekend alone"]),
        ("window: 3", []),
        ("window: 2, weekdays: [mon, tue, wed, thu, fri]", []),
        (
            "window: 1, weekdays: [sat, sun]",
            ["a call that is not held", "some calls would fall on a weekend alone"],
        ),
    ],
)
def test_a_window_that_can_hardly_be_met_is_warned_of_and_the_folder_loads(contacts, expected):
    found = warnings_of("coaching.yaml", {"replace": "window: 4", "with": contacts})
    assert [each.line for each in found] == [5] * len(expected)
    for warning, words in zip(found, expected, strict=True):
        assert warning.message.startswith(f"protocols.support.contacts.window: {words}")


@pytest.mark.parametrize(("days", "lines"), [(6, []), (7, [12]), (14, [12, 13])])
def test_a_reminder_after_its_window_is_warned_of(days, lines):
    """The windows of the small study are 7, 14 and 21 days."""
    found = warnings_of(
        "assessments.yaml", {"replace": "remind_after: 3", "with": f"remind_after: {days}"}
    )
    assert [each.line for each in found] == lines


def warnings_of(file, *edits):
    """What is warned of in one file of the small study, which has no labels."""
    loaded = read(zipped(edited([{"file": file, **each} for each in edits])), SECTIONS)
    return [each for each in loaded.warnings if each.file == file]


def test_what_the_report_would_call_by_a_sentence_or_a_code_is_warned_of():
    said = [(each.line, each.message) for each in warnings_of("study.yaml")]
    assert said == [
        (46, "questions[0]: 'age' has no label, so the tables of the report hold its whole text"),
        (51, "questions[1]: 'sex' has no label, so the tables of the report hold its whole text"),
        (57, "questions[2]: 'site' has no label, so the tables of the report hold its whole text"),
        (
            60,
            "questions[3]: 'helped' has no label, so the tables of the report hold its whole text",
        ),
        (
            67,
            "eligibility[0]: 'age' has no label, so the report gives its code for why somebody did "
            "not get in",
        ),
        (
            73,
            "eligibility[1]: 'mood' has no label, so the report gives its code for why somebody "
            "did not get in",
        ),
    ]


def test_a_question_that_stands_in_no_table_or_has_a_label_needs_none():
    """Everybody who gets in gave the same answer; or the label is there."""
    women = {
        "replace": "{answer: age, at_least: 18}",
        "with": "{all: [{answer: age, at_least: 18}, {answer: sex, equals: f}]}",
    }
    lines = [each.line for each in warnings_of("study.yaml", women)]
    assert lines == [46, 57, 60, 67, 73]
    label = {
        "replace": "    kind: number",
        "with": "    label: {en: Age, nl: Leeftijd}\n    kind: number",
    }
    assert next(each.line for each in warnings_of("study.yaml", label)) == 52


def test_the_studies_that_come_along_have_no_warning():
    assert [
        read(path, SECTIONS).warnings for path in sorted(STUDIES.iterdir()) if path.is_dir()
    ] == [(), ()]


def test_a_timepoint_of_one_arm_is_noted():
    files = edited(
        [
            {
                "file": "study.yaml",
                "replace": "      - {assessments: everyone}\n      - {coaching",
                "with": "      - {assessments: everyone}\n      - {assessments: late}\n      - "
                "{coaching",
            },
            {
                "file": "assessments.yaml",
                "replace": "reminders:",
                "with": "  late:\n    - {timepoint: year, anchor: randomised, days: 365, window: "
                "14, "
                "instruments: [PHQ9]}\nreminders:",
            },
            {
                "file": "assessments.yaml",
                "replace": "baseline: {",
                "with": "  - {code: year, label: {en: One year, nl: Een jaar}, minutes: "
                "5}\nbaseline: {",
            },
        ]
    )
    assert read(zipped(files), SECTIONS).notes == (
        "year is asked only in guided: whoever sees that it is due knows the arm, "
        + "so the assessors of this study are not blind to it",
    )


def test_an_instrument_without_a_wording_is_noted():
    files = edited(
        [
            {
                "file": "assessments.yaml",
                "replace": "[PHQ9, GAD7, PHQ4]",
                "with": "[PHQ9, GAD7, PHQ4, CESD]",
            },
            {
                "file": "assessments.yaml",
                "replace": "instruments: [PHQ9, GAD7], q",
                "with": "instruments: [CESD, PHQ9, GAD7], q",
            },
        ]
    )
    loaded = read(zipped(files), SECTIONS)
    expected = [
        "CESD has no wording in 'nl': paste the one you hold a licence for into "
        "instruments/CESD.yaml"
    ]
    assert list(loaded.notes) == expected
    assert outcomes.sections.notes(loaded.document) == expected


@pytest.mark.parametrize(
    ("page", "notes"),
    [
        ("{code: mood, instrument: PHQ9}", ("GAD2 stands in 'instruments' but is asked nowhere",)),
        ("{code: mood, instrument: PHQ9}\n  - {code: worry, instrument: GAD2}", ()),
    ],
)
def test_what_is_asked_in_the_screening_alone_is_asked(page, notes):
    files = edited(
        [
            {
                "file": "assessments.yaml",
                "replace": "[PHQ9, GAD7, PHQ4]",
                "with": "[PHQ9, GAD7, PHQ4, GAD2]",
            },
            {"file": "study.yaml", "replace": "{code: mood, instrument: PHQ9}", "with": page},
        ]
    )
    found = read(zipped(files), SECTIONS).notes
    assert tuple(each for each in found if "wording" not in each) == notes


def test_a_rehearsal_may_say_how_people_score_on_what_only_the_screening_asks():
    rehearsed = {
        "file": "study.yaml",
        "replace": "PHQ9: {mean: 11.5",
        "with": "GAD2: {mean: 2, sd: 1}, PHQ9: {mean: 11.5",
    }
    screened = {
        "file": "study.yaml",
        "replace": "instrument: PHQ9}",
        "with": "instrument: PHQ9}\n  - {code: worry, instrument: GAD2}",
    }
    assert broken_messages([rehearsed, screened]) == []
    [message] = broken_messages([rehearsed])
    assert message.endswith(
        "rehearsal.baseline.GAD2: unknown instrument 'GAD2'; did you mean 'GAD7'? known: PHQ9, "
        "GAD7, PHQ4"
    )


def test_strata_smaller_than_a_block_are_noted_without_giving_the_size_away():
    files = edited([{"file": "study.yaml", "replace": "target: 40", "with": "target: 7"}])
    loaded = read(zipped(files), SECTIONS)
    expected = [
        "7 people over 2 strata (sex) is less than one full block in each: "
        + "the arms may end up further apart than the blocks promise"
    ]
    assert list(loaded.notes) == expected


# the digest


def test_the_digest_is_the_same_for_folder_and_zip_and_wherever_they_are(tmp_path):
    shutil.copytree(SMALL_STUDY, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / ".DS_Store").write_bytes(b"litter")
    nested = {f"small study/{name}": content for name, content in small_files().items()}
    digests = {
        read(SMALL_STUDY, SECTIONS).sha256,
        read(tmp_path / "elsewhere", SECTIONS).sha256,
        read(zipped(small_files()), SECTIONS).sha256,
        read(zipped(dict(reversed(small_files().items())), zipfile.ZIP_DEFLATED), SECTIONS).sha256,
        read(
            zipped({f"shared/{name}": content for name, content in nested.items()}), SECTIONS
        ).sha256,
        read(zipped(nested | {"__MACOSX/small study/._study.yaml": b"litter"}), SECTIONS).sha256,
    }
    assert digests == {digest(small_files())}


def test_a_zip_with_backslashes_and_locks_of_office_programs_is_the_same_folder(tmp_path):
    littered = {
        "small study\\~$study.yaml": b"lock",
        "small study\\programme\\~$welcome.en.md": b"lock",
        "small study\\programme\\": b"",
    }
    windows = {
        "small study\\" + name.replace("/", "\\"): content
        for name, content in small_files().items()
    }
    assert read(zipped(windows | littered), SECTIONS).sha256 == digest(small_files())
    shutil.copytree(SMALL_STUDY, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "~$study.yaml").write_bytes(b"lock")
    assert read(tmp_path / "elsewhere", SECTIONS).sha256 == digest(small_files())


def test_a_name_that_stands_in_a_zip_with_both_strokes_is_refused():
    assert messages(zipped({"programme/a.en.md": b"", "programme\\a.en.md": b"", "b": b""})) == [
        "programme/a.en.md:1: stands in the zip twice"
    ]


contents = st.dictionaries(st.text(min_size=1, max_size=5), st.binary(max_size=8), max_size=4)


@given(contents, contents)
def test_only_equal_folders_have_equal_digests(one, other):
    assert (digest(one) == digest(other)) == (one == other)


# what is refused before anything is read


def test_a_path_without_anything_is_one_clear_error(tmp_path):
    assert messages(tmp_path / "nothing") == ["nothing:1: there is no such folder or zip file"]


def test_a_file_that_is_no_zip_is_one_clear_error(tmp_path):
    (tmp_path / "study.zip").write_bytes(b"PK\x03\x04 not really")
    expected = ["study.zip:1: is not a readable zip file; make it anew from the study folder"]
    assert messages(tmp_path / "study.zip") == expected


@pytest.mark.parametrize(
    "name",
    [
        "../study.yaml",
        "/etc/study.yaml",
        "a/../../b.yaml",
        "..\\b.yaml",
        "\\b.yaml",
        "C:/b.yaml",
        "./b.yaml",
    ],
)
def test_a_name_that_leads_out_of_a_zip_is_refused(name):
    named = name.replace("\\", "/")
    expected = (
        f"{named!r}:1: leads out of the study folder; names in a zip are relative, without '..'"
    )
    assert messages(zipped({name: b"a: b"})) == [expected]


def test_a_symbolic_link_in_a_folder_is_refused(tmp_path):
    (tmp_path / "study.yaml").symlink_to("/etc/passwd")
    assert messages(tmp_path) == [
        "study.yaml:1: is a symbolic link; put the file itself in the folder"
    ]


def test_a_symbolic_link_to_a_folder_is_refused(tmp_path):
    (tmp_path / "programme").symlink_to(SMALL_STUDY / "programme")
    assert messages(tmp_path) == [
        "programme:1: is a symbolic link; put the file itself in the folder"
    ]


def test_a_symbolic_link_in_a_zip_is_refused():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        entry = zipfile.ZipInfo("study.yaml")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(entry, "/etc/passwd")
    archive.seek(0)
    assert messages(archive) == ["study.yaml:1: is a symbolic link; put the file itself in the zip"]


def test_a_zip_with_a_password_is_refused():
    content = bytearray(zipped({"study.yaml": b"slug: x"}).getvalue())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    assert messages(io.BytesIO(bytes(content))) == [
        "study.yaml:1: is encrypted; make a zip without a password"
    ]


def test_a_pipe_in_a_folder_is_refused(tmp_path):
    os.mkfifo(tmp_path / "study.yaml")
    assert messages(tmp_path) == ["study.yaml:1: is neither a file nor a folder"]


def test_a_zip_bomb_is_refused():
    bomb = zipped({"README": b"\0" * (MOST_BYTES + 1)}, zipfile.ZIP_DEFLATED)
    assert messages(bomb) == ["upload.zip:1: holds more than 20 MB"]


def test_too_many_files_are_refused():
    crowd = zipped({f"README{number}": b"" for number in range(MOST_FILES + 1)})
    assert messages(crowd) == ["upload.zip:1: holds more than 2000 files"]


def test_an_alias_bomb_is_refused_where_it_starts():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    assert [problem.line for problem in parse_yaml("a.yaml", bomb).problems] == [1]


def test_a_text_far_too_large_is_refused_unread():
    files = small_files() | {"coaching.yaml": b"a: b\n" * 100_000}
    assert messages(zipped(files)) == [
        "coaching.yaml:1: is larger than 400 kB; split or shorten it"
    ]


MANY = MOST_VALUES // 2
WRITTEN_FOR_LONG = {
    "a list": "- a: b\n" * MANY,
    "a list on a line": "a: [" + "b, " * MANY * 2 + "]",
    "lists in a list": "a: [" + "[], " * MANY * 2 + "]",
    "keys": "".join(f"key_{number}: value\n" for number in range(MANY + 1)),
    "one key": "a: b\n" * (MANY + 1),
    "values without a colon": "a: {" + "b c, " * MANY + "}",
}


@pytest.mark.parametrize("text", WRITTEN_FOR_LONG.values(), ids=WRITTEN_FOR_LONG)
def test_a_file_of_more_values_than_any_study_has_is_refused_before_the_rest_is_read(text):
    """Reading is slow by the value, not by the byte: 390 kB of short ones took most of a minute."""
    source = parse_yaml("study.yaml", text)
    assert not source.is_readable
    assert [problem.message for problem in source.problems] == [
        "not readable as YAML: holds more than 20000 keys and values; split or shorten it"
    ]


def test_of_many_mistakes_the_first_are_listed_and_the_rest_is_counted():
    files = small_files() | {
        "coaching.yaml": "".join(f"key_{number}: x\n" for number in range(9_000)).encode()
    }
    found = messages(zipped(files))
    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1].endswith("mistakes after this one")


def test_a_lesson_longer_than_a_page_can_be_is_refused():
    files = small_files() | {"programme/welcome.en.md": b"[" * (LARGEST_LESSON + 1)}
    assert "programme/welcome.en.md:1: is larger than 60 kB; split or shorten it" in messages(
        zipped(files)
    )


@pytest.mark.parametrize("sign", ["\\0", "\\ud83d", "\\x00"])
def test_a_text_that_no_database_can_keep_is_refused_at_its_line(sign):
    written = f'"a{sign}b": x\nplain: 1\nquoted: "a{sign}b"\n'
    assert [
        (problem.line, problem.message) for problem in parse_yaml("study.yaml", written).problems
    ] == [
        (1, "holds a character that cannot be kept: NUL, or half of one"),
        (3, "holds a character that cannot be kept: NUL, or half of one"),
    ]


def test_nul_in_a_lesson_is_refused_at_its_line():
    files = small_files()
    name = "programme/welcome.en.md"
    lines = files[name].count(b"\n")
    assert messages(zipped(files | {name: files[name] + b"a\0b"})) == [
        f"{name}:{lines + 1}: holds a character that cannot be kept: NUL, or half of one"
    ]


@pytest.mark.parametrize("digits", [7, 30, 400, 5000])
def test_a_target_of_many_digits_is_too_large(digits):
    files = edited(
        [{"file": "study.yaml", "replace": "target: 40", "with": f"target: {'9' * digits}"}]
    )
    [found] = messages(zipped(files))
    assert "target: " in found
    assert "too large" in found


# whatever is in it

FILES = sorted(small_files())


@st.composite
def mutated(draw):
    files = small_files()
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(FILES))
        content = files[name]
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 30)))
        junk = draw(
            st.one_of(
                st.binary(max_size=6), st.sampled_from(JUNK), st.text(max_size=4).map(_encoded)
            )
        )
        files[name] = content[:start] + junk + content[end:]
    return files


JUNK = [
    b"---\n",
    b"```exercise\n",
    b"```\n",
    b": ",
    b"- ",
    b"{",
    b"}",
    b"[",
    b"? ",
    b"\t",
    b"\n",
    b"!!int ",
    b"&a ",
    b"*a",
    b"1e999",
    b"nan",
]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@settings(max_examples=60, deadline=None)
@given(mutated())
def test_a_mutated_folder_is_read_or_raises_folder_errors(files):
    try:
        read(zipped(files), SECTIONS)
    except FolderErrors as error:
        assert error.problems
        assert all(problem.line >= 1 and "\n" not in str(problem) for problem in error.problems)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_mutated_zip_is_read_or_raises_folder_errors(data):
    content = bytearray(
        zipped(
            {"study.yaml": b"slug: x\n", "README": b"text " * 20}, zipfile.ZIP_DEFLATED
        ).getvalue()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with pytest.raises(FolderErrors):
        read(io.BytesIO(bytes(content)), SECTIONS)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from([junk.decode() for junk in JUNK])).map("".join),
    )
)
def test_any_text_is_parsed_or_its_problem_has_a_line(text):
    source = parse_yaml("a.yaml", text)
    assert source.is_readable or [problem for problem in source.problems if problem.line >= 1]


@pytest.mark.parametrize("slug", ["living-positive", "guided-or-not"])
def test_yes_stands_before_no_in_every_question(slug):
    asked = read(STUDIES / slug, SECTIONS).document["study"]["questions"]
    options = [
        [option["text"]["en"] for option in question.get("options", ())] for question in asked
    ]
    assert [
        texts
        for texts in options
        if {"Yes", "No"} <= set(texts) and texts.index("No") < texts.index("Yes")
    ] == []
