"""Every chapter on data that have everything and on data that have nothing; what is misspelt in one
is an error.

Chapters are found by looking into their package, so that a new one is held to the same.
"""

import dataclasses
import importlib
import pkgutil
import re
from datetime import UTC, date, datetime

import pytest

from reports.dataset import Conduct, Given, PartialTimepoint, Registration, count_flow
from reports.dataset.snapshot import OF_PEOPLE
from reports.document import chapters, compose
from reports.document.chapters import CHAPTERS
from reports.document.html import html
from reports.document.spans import Facts, Figure, Table, Value, plain
from reports.document.words import COUNTING, WORDS
from reports.document.writer import UnknownNumber, Writer
from reports.plan import Adherence, AnalysisPlan, Outcome
from reports.results import analyse
from trial.languages import LANGUAGES

from .people import ARMS, PLAN, a_trial

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
CONDUCT = Conduct(
    locked_at=AT,
    first_allocation_at=AT,
    registration=Registration("NTR", "NTR5407", date(2026, 1, 1)),
    partial=(PartialTimepoint("post2", ("coached",)),),
    given=(Given("coach", "staff 6", date(2026, 5, 2), None, "agreed", "staff 1", "staff 3"),),
)
FOUND = {
    name: module.chapter
    for _, name, _ in pkgutil.iter_modules(chapters.__path__)
    if hasattr(module := importlib.import_module(f"{chapters.__name__}.{name}"), "chapter")
}


def everything(people=60):
    data = a_trial(people)
    return dataclasses.replace(data, meta=dataclasses.replace(data.meta, conduct=CONDUCT))


def without_outcomes(data, **gone):
    """With a flow that names no outcome, since there is none left to count."""
    arms = tuple(dataclasses.replace(arm, follow_up=()) for arm in data.flow.arms)
    return dataclasses.replace(data, flow=dataclasses.replace(data.flow, arms=arms), **gone)


def only(data, keep):
    return without_outcomes(data, scores=tuple(row for row in data.scores if keep(row)))


def pending(data):
    later = tuple(
        row
        if row.timepoint == "pre"
        else dataclasses.replace(row, score=None, state="pending", at=None, opened_at=None)
        for row in data.scores
    )
    return without_outcomes(data, scores=later)


def empty_arm(data):
    """Nobody has been allocated to one arm yet."""
    people = tuple(person for person in data.participants if person.arm != "waiting")
    codes = {person.code for person in people}
    rows = {
        part: tuple(row for row in getattr(data, part) if row.participant in codes)
        for part in OF_PEOPLE
    }
    outcomes = [(each.instrument, each.timepoint) for each in PLAN.primary]
    flow = count_flow(people, rows["scores"], ARMS, outcomes, "pre", covariates=("sex",))
    return dataclasses.replace(data, participants=people, flow=flow, **rows)


def nothing(data):
    bare = {
        "modules": None,
        "module_use": None,
        "usage": None,
        "contacts": None,
        "attempts": None,
        "coached": None,
        "intercurrent": None,
        "idle_after": None,
    }
    instruments = tuple(
        dataclasses.replace(each, reliable_change=None) for each in data.instruments
    )
    return without_outcomes(data, scores=(), variables=(), instruments=instruments, **bare)


BARE = AnalysisPlan()
CLUSTERED = PLAN.model_copy(update={"cluster": "sex", "covariates": ()})
CASES = {
    "everything": lambda: (everything(), PLAN),
    "everything, standardised afterwards": lambda: (
        everything(),
        PLAN.model_copy(update={"standardiser": "post_sd", "contrasts": (("coached", "waiting"),)}),
    ),
    "pooled": lambda: (a_trial(60, arms=None), PLAN),
    "clusters": lambda: (everything(), CLUSTERED),
    "one person": lambda: (a_trial(1), PLAN),
    "nobody in an arm": lambda: (empty_arm(a_trial(30)), PLAN),
    "baseline alone": lambda: (only(a_trial(30), lambda row: row.timepoint == "pre"), PLAN),
    "no baseline": lambda: (only(a_trial(30), lambda row: row.timepoint != "pre"), PLAN),
    "one questionnaire": lambda: (only(a_trial(30), lambda row: row.instrument == "PHQ9"), PLAN),
    "nothing due yet": lambda: (pending(a_trial(30)), PLAN),
    "lessons without use": lambda: (
        dataclasses.replace(a_trial(30), usage=None, idle_after=None),
        PLAN,
    ),
    "use without lessons": lambda: (
        dataclasses.replace(a_trial(30), modules=None, module_use=None),
        PLAN,
    ),
    "nothing used": lambda: (
        dataclasses.replace(a_trial(30), **dict.fromkeys(OF_PEOPLE[1:], ())),
        PLAN,
    ),
    "nothing": lambda: (nothing(a_trial(30)), BARE),
    "nothing, pooled": lambda: (nothing(a_trial(30, arms=None)), BARE),
    "nothing, of clusters": lambda: (
        nothing(a_trial(30)),
        BARE.model_copy(update={"cluster": "site"}),
    ),
}


SILENT = {"staff", "intercurrent"}  # nothing is printed of what is not on record


def test_every_chapter_that_is_written_is_in_the_report():
    assert sorted(FOUND) == sorted(chapter.__module__.rpartition(".")[2] for chapter in CHAPTERS)
    assert set(FOUND.values()) == set(CHAPTERS)


@pytest.mark.parametrize("case", CASES)
def test_every_chapter_asks_only_for_numbers_that_are_there(case):
    data, plan = CASES[case]()
    results = analyse(data, plan)
    for language in LANGUAGES:
        for name, chapter in FOUND.items():
            assert list(chapter(Writer(data, plan, results, language))) or name in SILENT


@pytest.mark.parametrize("ask", ["value", "count", "percent", "p", "interval", "number"])
def test_a_misspelt_id_is_an_error_and_no_dash(ask):
    data = everything()
    writer = Writer(data, PLAN, analyse(data, PLAN), "en")
    getattr(writer, ask)("mean", "PHQ9", "pre", "coached")
    with pytest.raises(UnknownNumber, match=r"mean\.PHQ9\.pre\.coachd"):
        getattr(writer, ask)("mean", "PHQ9", "pre", "coachd")


def spans(block):
    for name in ("spans", "title", "caption", "ref"):
        yield from getattr(block, name, ())
    for note in getattr(block, "notes", ()):
        yield from note
    for head in getattr(block, "heads", ()):
        yield from (*head.spans, *head.group)
    for row in getattr(block, "rows", ()):
        for cell in row.cells:
            yield from cell
    for pair in getattr(block, "pairs", ()):
        for part in pair:
            yield from part


CODES = {*ARMS, "pre", "post1", "post2", "PHQ9", "CESD", "age", "sex", "f", "m", "all"}
CODES |= {f"m{i}" for i in range(1, 9)} | {f"{a}-{b}" for a in ARMS for b in ARMS}
# Counted for the reader of results.json: of a mean n stands beside the arm's name, and that nobody
# was left out is no row.
NOT_PRINTED = {"baseline.*.*.n", "flow.*.left_out.*.*"}


def family(id):
    """An id with a star for each code: what is misspelt under `has` would be missing from the
    printed ones.
    """
    return ".".join(
        "*" if part in CODES or re.fullmatch(r"d\d+", part) else part for part in id.split(".")
    )


def test_every_kind_of_number_is_printed():
    data = everything()
    results = analyse(data, PLAN)
    report = compose(results, data, PLAN)
    printed = {
        family(s.id) for block in report.blocks for s in spans(block) if isinstance(s, Value)
    }
    assert {family(number.id) for number in results.numbers} - printed == NOT_PRINTED


# --- one and many -----------------------------------------------------------------------------------------------------  # noqa: E501

# A number and then a word in the plural: `1 modules`. In Dutch a plural ends in s or en.
MANY = {"en": re.compile(r"\b1 [a-z]+s\b"), "nl": re.compile(r"\b1 [a-z]+(s|en)\b")}
ABOUT = {"is", "was", "als", "en", "dan", "toets", "mens"}  # of a sentence that goes on, or of one


def plurals(text, language):
    """What is said of one as if of many."""
    text = text.replace("\u00a0", " ")
    found = (match.group() for match in MANY[language].finditer(text))
    return [words for words in found if words.split()[-1] not in ABOUT]


def test_the_sweep_knows_one_from_many():
    assert plurals("at least 1 modules of 11 modules; 1 module", "en") == ["1 modules"]
    assert plurals("na 1 dagen, 1 dag en 21 dagen", "nl") == ["1 dagen"]


COUNTED = {
    "en": re.compile(r"\{(\w+)\} (?:\w+ )?[a-z]+s\b"),
    "nl": re.compile(r"\{(\w+)\} (?:\w+ )?[a-z]+(?:s|en)\b"),
}
# No count: names, spans of words, and values that are shown with decimals, of which 1.0 is many.
NO_COUNT = {
    "arm",
    "instrument",
    "timepoint",
    "unit",
    "sd",
    "what",
    "first",
    "title",
    "where",
    "paper",
    "table",
    "from_",
}
NO_COUNT |= {"level", "at", "standardiser", "cluster", "asker", "outcome", "longer"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_counts_has_words_for_one(language):
    """A template in which a place stands before a plural is listed with its place, and has a form
    for one of it.
    """
    place = LANGUAGES.index(language)
    for key, texts in WORDS.items():
        counts = [name for name in COUNTED[language].findall(texts[place]) if name not in NO_COUNT]
        if counts and not key.endswith(".one"):
            assert (key, key in COUNTING, f"{key}.one" in WORDS) == (key, True, True)
    for key in COUNTING:
        assert (
            plurals(WORDS[f"{key}.one"][place].replace(f"{{{COUNTING[key]}}}", "1"), language) == []
        )


def of_so_many(n):
    """A trial in which everything that is counted is counted n times, as far as it can be."""
    data = a_trial(60)
    people = tuple(person for arm in ARMS[:2] for person in data.people(arm)[: max(n, 1)])
    codes = {person.code for person in people}
    rows = {
        part: tuple(row for row in getattr(data, part) if row.participant in codes)
        for part in OF_PEOPLE
    }
    if n == 0:
        rows["contacts"] = ()
    bar = dataclasses.replace(data.instruments[0].reliable_change, points=float(max(n, 1)))
    instrument = dataclasses.replace(data.instruments[0], reliable_change=bar)
    plan = PLAN.model_copy(
        update={
            "adherence": Adherence(at_least=max(n, 1)),
            "covariates": (),
            "contrasts": (("coached", "unguided"),),
            "primary": (Outcome(instrument="PHQ9", timepoint="post1"),) * min(n, 1),
        }
    )
    outcomes = [(each.instrument, each.timepoint) for each in plan.primary]
    flow = count_flow(
        people, rows["scores"], ARMS, outcomes, "pre", assessed=len(people), excluded={}
    )
    return dataclasses.replace(
        data,
        participants=people,
        instruments=(instrument, *data.instruments[1:]),
        flow=flow,
        idle_after=max(n, 1),
        **rows,
    ), plan


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_nothing_is_said_of_one_as_if_of_many(n, language):
    data, plan = of_so_many(n)
    results = analyse(data, plan)
    report = compose(results, data, plan, language)
    said = [plain(part) for block in report.blocks for part in _texts(block)]
    drawn = [
        text
        for block in report.blocks
        for text in re.findall(r">([^<]+)</text>", getattr(block, "svg", ""))
    ]
    assert [words for text in (*said, *drawn) for words in plurals(text, language)] == []
    assert [
        words
        for number in results.numbers
        for words in plurals(f"{number.method} {number.recipe}", "en")
    ] == []


def _texts(block):
    yield from (getattr(block, name, ()) for name in ("spans", "title", "caption"))
    yield from getattr(block, "notes", ())
    for row in getattr(block, "rows", ()):
        yield from row.cells
    for pair in getattr(block, "pairs", ()):
        yield from pair


# --- the flow ---------------------------------------------------------------------------------------------------------  # noqa: E501


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_the_box_of_follow_up_holds_losses_and_nothing_else(case, language):
    data, plan = CASES[case]()
    waits = dataclasses.replace(data.flow.arms[-1], waits=True, discontinued=None)
    data = dataclasses.replace(
        data, flow=dataclasses.replace(data.flow, arms=(*data.flow.arms[:-1], waits))
    )
    writer = Writer(data, plan, analyse(data, plan), language)
    for arm in data.flow.arms:
        lines = [
            line for line in chapters.flow._follow_up(writer, arm) if not line.startswith("  ")
        ]
        kinds = (writer.word("lost"), writer.word("discontinued"))
        assert [line for line in lines if not line.startswith(kinds)] == []
        assert [row for row in arm.follow_up if {"not_planned", "pending"} & set(row.lost)] == []


def test_who_is_not_due_yet_stands_with_the_analysis():
    data = a_trial(30)
    later = tuple(
        dataclasses.replace(row, score=None, state="pending") if row.timepoint == "post1" else row
        for row in data.scores
    )
    outcomes = [(each.instrument, each.timepoint) for each in PLAN.primary]
    flow = count_flow(data.participants, later, ARMS, outcomes, "pre")
    data = dataclasses.replace(data, scores=later, flow=flow)
    writer = Writer(data, PLAN, analyse(data, PLAN), "en")
    lines = [line.replace("\u00a0", " ") for line in chapters.flow._analysis(writer, flow.arms[0])]
    assert lines[:2] == ["PHQ9, Post-test 1 (n = 0)", "  Not yet due (n = 10)"]


def test_a_file_says_below_its_flow_diagram_what_no_box_can_tell():
    data = a_trial(30)
    arms = tuple(
        dataclasses.replace(arm, received=None, not_received={}, discontinued=None)
        for arm in data.flow.arms
    )
    data = dataclasses.replace(
        data, flow=dataclasses.replace(data.flow, arms=arms, assessed=None, excluded=None)
    )
    blocks = list(chapters.flow.chapter(Writer(data, PLAN, analyse(data, PLAN), "en")))
    said = [plain(block.spans) for block in blocks if getattr(block, "kind", "") == "missing"]
    assert said == [
        WORDS[key][0] for key in ("assessed_unknown", "received_unknown", "discontinued_unknown")
    ]
    never = tuple(dataclasses.replace(arm, no_programme=True) for arm in arms)
    data = dataclasses.replace(data, flow=dataclasses.replace(data.flow, arms=never))
    blocks = list(chapters.flow.chapter(Writer(data, PLAN, analyse(data, PLAN), "en")))
    assert WORDS["discontinued_unknown"][0] not in [
        plain(getattr(block, "spans", ())) for block in blocks
    ]


# --- clusters ---------------------------------------------------------------------------------------------------------  # noqa: E501


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "Differences between arms, effects, p values and intervals: not possible yet. Clusters "
            "(Sex) were randomised, not people",
        ),
        (
            "nl",
            "Verschillen tussen groepen, effecten, p-waarden en intervallen: nog niet mogelijk. "
            "Clusters (Sex) zijn geloot, niet mensen",
        ),
    ],
)
def test_a_report_of_clusters_names_what_is_not_possible_and_prints_none_of_it(language, said):
    data, plan = everything(), CLUSTERED
    report = compose(analyse(data, plan), data, plan, language)
    texts = [plain(block.spans) for block in report.blocks if hasattr(block, "spans")]
    assert [text for text in texts if text.startswith(said)]
    heads = {
        plain(head.spans)
        for block in report.blocks
        if isinstance(block, Table)
        for head in block.heads
    }
    words = ("p", "p_holm", "effect", "difference")
    place = LANGUAGES.index(language)
    forbidden = {WORDS[key][place] for key in words} | {
        plain(Writer(data, plan, analyse(data, plan), language).ci())
    }
    assert heads & forbidden == set()
    ids = {span.id for block in report.blocks for span in spans(block) if isinstance(span, Value)}
    assert [id for id in ids if id.startswith(("difference", "p.", "p_holm", "effect"))] == []
    methods = " ".join(texts[-1:])
    assert [
        name for name in ("Student", "Hedges", "Holm", "Wilson", "log-log") if name in methods
    ] == []
    assert "Kaplan" in methods
    notice = next(
        plain(block.spans) for block in report.blocks if "Sex" in plain(getattr(block, "spans", ()))
    )
    assert notice.startswith(
        "Clusters (Sex) were randomised" if language == "en" else "Clusters (Sex) zijn geloot"
    )


PEOPLE_RANDOMISED = {
    "en": r"randomised people|people (were )?randomised|^randomised|\banalys(ed|is)\b(?! plan)",
    "nl": r"gelote mensen|mensen (zijn )?geloot|^geloot|\banalyse\b|geanalyseerd",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("primary", [True, False])
def test_no_word_says_of_clusters_that_people_were_randomised_or_analysed(language, primary):
    """Every word that is shown, in the figures too; the sentences that say so are not of these."""
    data = everything()
    plan = CLUSTERED if primary else CLUSTERED.model_copy(update={"primary": ()})

    def told(plan):
        report = compose(analyse(data, plan), data, plan, language)
        texts = [plain(each) for block in report.blocks for each in shown(block)]
        drawn = [
            text
            for block in report.blocks
            if isinstance(block, Figure)
            for text in re.findall(r">([^<]+)</t(?:ext|span)>", block.svg)
        ]
        found = re.compile(PEOPLE_RANDOMISED[language], re.IGNORECASE)
        return [t for t in [*texts, *drawn] if found.search(t) and "Clusters (" not in t]

    assert told(plan) == []
    assert len(told(plan.model_copy(update={"cluster": None}))) > 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_methods_name_no_more_than_the_report_holds(language):
    """Of a file with a score and nothing else, and of everything."""
    bare = dataclasses.replace(
        everything(),
        usage=None,
        modules=None,
        module_use=None,
        variables=(),
        instruments=tuple(
            dataclasses.replace(each, reliable_change=None) for each in everything().instruments
        ),
    )
    plan = PLAN.model_copy(update={"covariates": (), "adherence": None})
    said = []
    for data in (everything(), bare):
        written = Writer(data, plan, analyse(data, plan), language)
        said.append(plain(list(chapters.methods.chapter(written))[1].spans))
    used = ("Jacobson", "programme" if language == "en" else "programma", "Wilson")
    assert [word in said[0] for word in used] == [True, True, True]
    assert [word in said[1] for word in used] == [False, False, False]


def shown(block):
    """The spans of a block that hold words of the report."""
    if isinstance(block, Facts):
        yield from (name for name, _ in block.pairs)
    elif isinstance(block, Table):
        yield block.caption
        yield from (spans for head in block.heads for spans in (head.spans, head.group))
        yield from (cell for row in block.rows for cell in row.cells)
        yield from block.notes
    elif isinstance(block, Figure):
        yield block.title
        yield from block.notes
    else:
        yield block.spans


def test_facts_and_html_hold_for_every_case():
    for case in CASES.values():
        data, plan = case()
        report = compose(analyse(data, plan), data, plan)
        assert [block for block in report.blocks if isinstance(block, Facts)]
        assert "<h2>" in html(report, AT)
