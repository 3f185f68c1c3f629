"""The document: no number without its id, in both languages, marked where simulated, whole or not
at all.
"""

import ast
import dataclasses
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pypdfium2
import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from statsmodels.stats.multitest import multipletests

from reports.dataset import Conduct, Given, Instrument, PartialTimepoint, Registration, count_flow
from reports.document import chapters, compose, write
from reports.document.html import html
from reports.document.numerals import numeral, p_value
from reports.document.pdf import _fitted, _fonts, _widths
from reports.document.spans import Facts, Figure, Heading, Paragraph, Table, Value, plain
from reports.document.words import WORDS
from reports.document.writer import Writer
from reports.figures import Rung, Stay, funnel, survival_curves
from reports.figures.style import apart, spread, within
from reports.plan import AnalysisPlan, Outcome
from reports.results import analyse, outcomes, results_json
from trial.languages import LANGUAGES

from .people import ARMS, PLAN, a_trial

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MARK = {
    "en": "Simulated people. Not the published trial.",
    "nl": "Gesimuleerde mensen. Niet het gepubliceerde onderzoek.",
}
ALLOWED = {"data-id", "data-label", "data-meta", "data-ref"}


class Reader(HTMLParser):
    """Text outside the spans that may hold digits, and the (id, text) of every value."""

    def __init__(self):
        super().__init__()
        self.free, self.values, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img"):
            self.open.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in ("meta", "img"):
            self.open.pop()

    def handle_data(self, text):
        tag, attributes = self.open[-1] if self.open else ("", {})
        if "data-id" in attributes:
            self.values.append((attributes["data-id"], text))
        elif not ALLOWED & set(attributes) and tag not in ("style", "title"):
            self.free.append(text)


def read(text):
    reader = Reader()
    reader.feed(text)
    return reader


@pytest.fixture(scope="module")
def trial():
    data = a_trial(60)
    return data, analyse(data, PLAN)


@pytest.fixture(scope="module")
def written(trial, tmp_path_factory):
    data, results = trial
    return {
        language: write(
            results, data, PLAN, tmp_path_factory.mktemp(language), language=language, at=AT
        )
        for language in LANGUAGES
    }


def pages(path):
    document = pypdfium2.PdfDocument(path)
    texts = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    return [text.replace("\r\n", " ").replace("\n", " ") for text in texts]


def test_no_word_holds_a_digit():
    texts = [text for pair in WORDS.values() for text in pair]
    assert [text for text in texts if re.search(r"\d", text)] == []


def test_both_languages_fill_the_same_places():
    def places(text):
        return sorted(re.findall(r"\{(\w+)\}", text))

    assert [key for key, (en, nl) in WORDS.items() if places(en) != places(nl)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_digit_stands_in_the_html_outside_a_span_that_names_it(written, language):
    reader = read(written[language].html.read_text())
    assert [text for text in reader.free if re.search(r"\d", text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_in_the_html_is_the_rounded_number_of_results_json(written, language):
    numbers = {n["id"]: n for n in json.loads(written[language].json.read_text())["numbers"]}
    values = read(written[language].html.read_text()).values
    assert len(values) > 500
    assert [(id, text) for id, text in values if not _agrees(text, numbers[id], language)] == []


def _agrees(text, number, language):
    if text in ("–", "<0.001", "<0,001"):
        return text == "–" or number["value"] < 0.001
    shown = float(text.replace("−", "-").replace(",", "."))
    decimals = len(re.split("[.,]", text)[1]) if re.search("[.,]", text) else 0
    known = [number[key] for key in ("value", "lower", "upper") if number[key] is not None]
    scaled = [v * 100 for v in known] if number["unit"] == "proportion" else known
    return any(abs(v - shown) <= 0.5000001 * 10**-decimals for v in scaled)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_prints_every_number_of_the_document(trial, written, language):
    data, results = trial
    report = compose(results, data, PLAN, language)
    words = " ".join(pages(written[language].pdf))
    values = {
        span.text for block in report.blocks for span in _spans(block) if isinstance(span, Value)
    }
    assert [text for text in sorted(values) if text not in words] == []


def _spans(block):
    for name in ("spans", "title", "caption"):
        yield from getattr(block, name, ())
    for row in getattr(block, "rows", ()):
        for cell in row.cells:
            yield from cell


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_that_its_people_are_simulated(written, language):
    made = pages(written[language].pdf)
    assert [number for number, text in enumerate(made, start=1) if MARK[language] not in text] == []
    assert MARK[language] in written[language].html.read_text()


def test_every_page_carries_the_hash_the_seal_and_its_number(trial, written):
    data, _ = trial
    made = pages(written["en"].pdf)
    foot = f"data {data.snapshot_hash[:16]} · newest audit seal cdcdcdcdcdcdcdcd"
    assert [
        i
        for i, text in enumerate(made, start=1)
        if foot not in text or f"page {i} / {len(made)}" not in text
    ] == []


def test_people_who_exist_are_not_called_simulated(tmp_path):
    data = a_trial(30, simulated=False)
    made = write(analyse(data, PLAN), data, PLAN, tmp_path, at=AT)
    assert "imulated" not in made.html.read_text() + " ".join(
        pages(made.pdf)
    ) + made.json.read_text().replace('"simulated": false', "")


def test_a_pooled_report_names_no_arm(tmp_path):
    data = a_trial(60, arms=None)
    made = write(analyse(data, PLAN), data, PLAN, tmp_path, at=AT)
    text = made.html.read_text() + " ".join(pages(made.pdf))
    assert [
        name for name in ("Coached self-help", "Unguided self-help", "Waiting list") if name in text
    ] == []


def test_parts_that_are_not_recorded_say_so():
    data = dataclasses.replace(
        a_trial(30), modules=None, module_use=None, usage=None, contacts=None
    )
    report = compose(analyse(data, PLAN), data, PLAN)
    said = [
        plain(block.spans) for block in report.blocks if getattr(block, "kind", "") == "missing"
    ]
    assert said == [
        "Use of lessons and modules: not recorded in this data set.",
        "Calls planned, tried and held: not recorded in this data set.",
    ]


def blocks_of(chapter, data, plan=PLAN, language="en"):
    """One chapter alone: a whole report draws every figure."""
    return list(chapter(Writer(data, plan, analyse(data, plan), language)))


def captions(blocks):
    return [plain(block.caption) for block in blocks if isinstance(block, Table)]


def test_lessons_are_told_where_their_use_was_not_recorded_and_the_other_way_round():
    data = a_trial(30)
    lessons = blocks_of(chapters.adherence.chapter, dataclasses.replace(data, usage=None))
    use = blocks_of(
        chapters.adherence.chapter, dataclasses.replace(data, modules=None, module_use=None)
    )
    both = blocks_of(chapters.adherence.chapter, data)
    assert [block.kind for block in lessons if getattr(block, "kind", "") == "missing"] == [
        "missing"
    ]
    assert len(captions(both)) == len(captions(lessons)) + 2 == len(captions(use)) + 1
    opened = [
        plain(row.cells[0]) for block in both if isinstance(block, Table) for row in block.rows
    ][1]
    rows = [
        plain(row.cells[0]) for block in lessons if isinstance(block, Table) for row in block.rows
    ]
    assert opened not in rows


def test_where_nobody_was_given_the_programme_there_is_no_picture_of_how_far_they_came():
    data = dataclasses.replace(a_trial(30), module_use=(), usage=())
    blocks = blocks_of(chapters.adherence.chapter, data)
    assert [block for block in blocks if isinstance(block, Figure | Table)] == []
    assert plain(blocks[1].spans) == "Nobody has been given the programme."


def test_an_arm_that_was_given_nothing_has_no_column_of_zeros():
    data = a_trial(30)
    for chapter, said in (
        (chapters.adherence.chapter, "Nobody has been given the programme in: Waiting list."),
        (chapters.contacts.chapter, "No calls are planned in: Unguided self-help, Waiting list."),
    ):
        table = next(block for block in blocks_of(chapter, data) if isinstance(block, Table))
        assert said in [plain(note) for note in table.notes]
        heads = {plain(head.group) or plain(head.spans) for head in table.heads}
        assert "Waiting list" not in heads
    [none] = blocks_of(chapters.contacts.chapter, dataclasses.replace(data, contacts=()))[1:]
    assert plain(none.spans) == "No calls are planned with anybody."


def test_an_arm_that_is_not_asked_at_a_time_point_has_no_row_of_zeros_there():
    data = a_trial(30)
    waiting = {person.code for person in data.people("waiting")}
    kept = tuple(
        row for row in data.scores if row.participant not in waiting or row.timepoint != "post2"
    )
    data = dataclasses.replace(data, scores=kept)
    for chapter in (chapters.means.chapter, chapters.change.chapter):
        table = next(block for block in blocks_of(chapter, data) if isinstance(block, Table))
        last = [plain(row.cells[1]) for row in table.rows][-2:]
        assert last == ["Coached self-help", "Unguided self-help"]


def moved(data, arm, by):
    """Everybody of an arm so many points further after the baseline."""
    codes = {person.code for person in data.people(arm)}
    return tuple(
        dataclasses.replace(row, score=row.score + by)
        if row.participant in codes and row.timepoint != "pre" and row.score is not None
        else row
        for row in data.scores
    )


def far_apart():
    data = a_trial(60, arms=ARMS)
    data = dataclasses.replace(data, scores=moved(data, "coached", -60.0))
    return dataclasses.replace(data, scores=moved(data, "waiting", 60.0))


def headlines(data, plan, language="en"):
    writer = Writer(data, plan, analyse(data, plan), language)
    found = chapters.differences.chapter(writer)
    return [plain(block.title) for block in found if isinstance(block, Figure)]


def test_where_no_interval_holds_zero_the_figure_of_differences_says_so():
    data, alone = far_apart(), AnalysisPlan(contrasts=(("coached", "waiting"),))
    assert headlines(data, PLAN) == [
        plain_words("title_holm_all", each) for each in ("PHQ9", "CESD")
    ]
    assert headlines(data, AnalysisPlan()) == [
        plain_words("title_unadjusted_all", each) for each in ("PHQ9", "CESD")
    ]
    one = alone.model_copy(update={"primary": PLAN.primary[:1]})
    assert headlines(data, one) == [
        plain_words("title_primary_one_all", "PHQ9"),
        plain_words("title_secondary", "CESD"),
    ]


def test_a_headline_says_what_the_planned_tests_decide_and_nothing_of_the_others():
    """Against Holm of statsmodels over the planned contrasts of the primary outcomes."""
    disagree = 0
    for seed in range(1, 13):
        data = a_trial(60, seed=seed)
        plan = PLAN.model_copy(
            update={"contrasts": (("coached", "waiting"), ("coached", "unguided"))}
        )
        results = analyse(data, plan)
        ids = [f"{o.instrument}.post1.{a}-{b}" for o in plan.primary for a, b in plan.contrasts]
        raw = [results[f"p.{id}"].value for id in ids]
        rejected = dict(zip(ids, multipletests(raw, 0.05, "holm")[0], strict=True))
        disagree += any(p <= 0.05 and not rejected[id] for id, p in zip(ids, raw, strict=True))
        for instrument, said in zip(("PHQ9", "CESD"), headlines(data, plan), strict=True):
            mine = [rejected[id] for id in ids if id.startswith(instrument)]
            key = "some" if any(mine) and not all(mine) else "all" if all(mine) else "none"
            start = (
                WORDS[f"title_holm_{key}"][0].partition("{where}")[0].format(instrument=instrument)
            )
            assert said.startswith(start)
            names = {"coached-waiting": "v. Waiting list", "coached-unguided": "v. Unguided"}
            shown = [pair for pair, name in names.items() if name in said]
            wanted = [pair for pair in names if rejected[f"{instrument}.post1.{pair}"]]
            assert shown == (wanted if key == "some" else [])
    assert (
        disagree > 0
    )  # there are trials among these of which an unadjusted interval says otherwise


def test_where_no_primary_difference_can_be_estimated_the_headline_says_that():
    data = a_trial(60)
    lost = tuple(
        dataclasses.replace(row, score=None, state="pending") if row.timepoint == "post1" else row
        for row in data.scores
    )
    data = _without_flow_outcomes(dataclasses.replace(data, scores=lost))
    assert headlines(data, PLAN) == [
        plain_words("title_not_yet", each) for each in ("PHQ9", "CESD")
    ]


TWO_POINTS = PLAN.model_copy(
    update={
        "primary": tuple(Outcome(instrument="PHQ9", timepoint=t) for t in ("post1", "post2")),
        "contrasts": (("coached", "waiting"),),
    }
)


def two_arms(by, at, score):
    """The coached and who wait, moved apart, with one score or none for everybody at a point."""
    data = a_trial(90)
    data = dataclasses.replace(data, scores=moved(data, "coached", by))
    people = tuple(each for each in data.participants if each.arm != "unguided")
    codes = {each.code for each in people}
    scores = tuple(
        dataclasses.replace(row, score=score, state="missed" if score is None else "answered")
        if row.timepoint == at
        else row
        for row in data.scores
        if row.participant in codes
    )
    arms = tuple(arm for arm in data.arms if arm.code != "unguided")
    data = dataclasses.replace(data, participants=people, scores=scores, arms=arms)
    return _without_flow_outcomes(data)


@pytest.mark.parametrize("score", [None, 7.0], ids=["nobody answered", "all the same"])
@pytest.mark.parametrize("multiplicity", ["none", "holm"])
@pytest.mark.parametrize(
    ("by", "word", "dutch"),
    [(-20, "clear", "van nul"), (3.0, "not clear", "niet van nul")],
    ids=["apart", "together"],
)
def test_a_planned_comparison_without_an_estimate_stays_in_sight(
    by, word, dutch, multiplicity, score
):
    data = two_arms(by, "post1", score)
    plan = TWO_POINTS.model_copy(update={"multiplicity": multiplicity})
    said, in_dutch = (headlines(data, plan, language)[0] for language in LANGUAGES)
    assert said.endswith(" at Post-test 2; at Post-test 1 it could not be estimated")
    assert in_dutch.endswith(" bij Post-test 2; bij Post-test 1 was het niet te schatten")
    if multiplicity == "holm":
        assert f"the primary difference is {word} of zero at" in said
        assert f" {dutch} te onderscheiden" in in_dutch
    table = differences_table(data, plan)
    first = table.rows[0]
    heads = [plain(head.spans) for head in table.heads]
    assert first.kind == "strong"
    if multiplicity == "holm":
        assert plain(first.cells[heads.index("p (Holm)")]) == "1.00"
    assert len(first.cells) == len(heads)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_figure_with_intervals_beside_a_correction_says_what_decides(language):
    for plan in (PLAN, PLAN.model_copy(update={"multiplicity": "none"})):
        data = a_trial(60)
        writer = Writer(data, plan, analyse(data, plan), language)
        blocks = list(chapters.differences.chapter(writer))
        said = WORDS["holm_figure_note"][LANGUAGES.index(language)].format(level=95)
        found = [said in map(plain, each.notes) for each in blocks if isinstance(each, Figure)]
        assert found == [plan.multiplicity == "holm"] * 2


@pytest.mark.parametrize("multiplicity", ["none", "holm"])
@pytest.mark.parametrize("primary", [(), PLAN.primary])
def test_holm_is_told_where_it_was_done_and_not_denied_where_it_was_asked(primary, multiplicity):
    plan = PLAN.model_copy(update={"primary": primary, "multiplicity": multiplicity})
    methods, differences = (
        " ".join(
            plain(block.spans)
            for block in blocks_of(chapter, a_trial(60), plan)
            if isinstance(block, Paragraph)
        )
        for chapter in (chapters.methods.chapter, chapters.differences.chapter)
    )
    assert ("Holm" in methods) == bool(primary and multiplicity == "holm")
    assert ("no correction for several tests" in differences) == (
        not primary and multiplicity == "none"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_says_which_numbers_are_adjusted_for_several_tests(language):
    data = a_trial(60)
    writer = Writer(data, PLAN, analyse(data, PLAN), language)
    table = next(each for each in chapters.differences.chapter(writer) if isinstance(each, Table))
    notes = [plain(note) for note in table.notes]
    place = LANGUAGES.index(language)
    assert WORDS["holm_note"][place].format(n=6) in notes
    assert WORDS["not_adjusted_note"][place].format(level=95) in notes


def test_more_reasons_than_signs_still_have_a_sign_each():
    signs = [chapters.differences._signs(place) for place in range(10)]
    assert (signs[0], signs[4], len(set(signs))) == ("*", "**", 10)


@pytest.mark.parametrize(
    ("covariates", "adjusted"),
    [((), []), (("sex",), ["Adjusted for: Sex."])],
    ids=["alone", "beside another"],
)
def test_a_difference_without_its_baseline_says_so_and_is_not_called_adjusted_for_it(
    covariates, adjusted
):
    data = a_trial(60)
    began = tuple(
        dataclasses.replace(r, score=12.0) if r.timepoint == "pre" else r for r in data.scores
    )
    data = dataclasses.replace(data, scores=began)
    table = differences_table(data, PLAN.model_copy(update={"covariates": covariates}))
    notes = [plain(note) for note in table.notes]
    assert [note for note in notes if note.startswith("Adjusted for")] == adjusted
    assert "*\u00a0not adjusted for the score at baseline, which does not vary." in notes
    assert "– under the effect: no effect, the SD at baseline is zero." in notes
    kind = "PHQ-9: adjusted difference" if covariates else "PHQ-9: difference"
    assert plain(table.caption).startswith(kind)


def test_a_score_that_is_the_same_for_everybody_is_not_called_too_few_people():
    data = a_trial(60)
    same = tuple(
        dataclasses.replace(r, score=0.1) if r.timepoint == "post1" else r for r in data.scores
    )
    notes = [
        plain(note)
        for note in differences_table(dataclasses.replace(data, scores=same), PLAN).notes
    ]
    assert (
        "*\u00a0everybody has the same score, or the score that the model predicts: nothing is "
        "left to test by." in notes
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_no_difference_has_its_words_and_stands_where_there_is_no_table(language):
    """The codes are read out of the module that gives them."""
    tree = ast.parse(Path(outcomes.__file__).read_text())
    why = next(f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == "_why")
    given = [node.value for node in ast.walk(why) if isinstance(node, ast.Return)]
    codes = {c.value for each in given for c in ast.walk(each) if isinstance(c, ast.Constant)}
    assert codes == {
        "empty_arm",
        "one_arm",
        "no_score_yet",
        "does_not_vary",
        "too_few",
        "not_estimable",
    }
    data = a_trial(60)
    beyond = tuple(
        dataclasses.replace(row, score=(row.score + 1) * 1e205)
        if row.timepoint != data.baseline and row.score is not None
        else row
        for row in data.scores
    )
    said = [
        plain(each.spans)
        for each in blocks_of(
            chapters.differences.chapter,
            dataclasses.replace(data, scores=beyond),
            PLAN,
            language,
        )
        if isinstance(each, Paragraph) and each.kind == "missing"
    ]
    place = LANGUAGES.index(language)
    why = WORDS["not_estimable.not_estimable"][place]
    assert said == [
        WORDS["no_difference"][place].format(instrument=each.code, why=why)
        for each in data.instruments
    ]
    assert all(f"not_estimable.{code}" in WORDS for code in codes)


def differences_table(data, plan):
    return next(
        each
        for each in blocks_of(chapters.differences.chapter, data, plan)
        if isinstance(each, Table)
    )


def plain_words(key, instrument):
    return WORDS[key][0].format(instrument=instrument)


def test_a_questionnaire_that_nobody_is_asked_yet_is_left_out_of_the_outcomes():
    data = a_trial(30)
    never = Instrument("GAD7", {"en": "GAD-7"})
    blocks = blocks_of(
        chapters.means.chapter, dataclasses.replace(data, instruments=(*data.instruments, never))
    )
    assert [text for text in captions(blocks) if "GAD" in text] == []
    assert len(captions(blocks)) == 2


def test_a_questionnaire_without_a_score_yet_has_a_table_and_no_figure():
    data = a_trial(30)
    empty = tuple(
        dataclasses.replace(row, score=None, state="pending") if row.instrument == "CESD" else row
        for row in data.scores
    )
    data = _without_flow_outcomes(dataclasses.replace(data, scores=empty))
    blocks = blocks_of(chapters.means.chapter, data, AnalysisPlan())
    assert (
        len(captions(blocks)),
        len([block for block in blocks if isinstance(block, Figure)]),
    ) == (2, 1)


def test_arms_that_were_never_asked_at_the_same_time_have_a_figure_that_compares_nothing():
    data = a_trial(30)
    waiting = {person.code for person in data.people("waiting")}
    kept = tuple(
        row for row in data.scores if (row.participant in waiting) == (row.timepoint == "post2")
    )
    data = _without_flow_outcomes(dataclasses.replace(data, scores=kept))
    figures = [
        block
        for block in blocks_of(chapters.means.chapter, data, AnalysisPlan())
        if isinstance(block, Figure)
    ]
    assert [plain(figure.title) for figure in figures] == ["PHQ-9", "CES-D"]


def test_a_trial_that_asks_only_at_baseline_has_nobody_to_keep():
    data = a_trial(30)
    kept = tuple(row for row in data.scores if row.timepoint == "pre")
    data = _without_flow_outcomes(
        dataclasses.replace(data, timepoints=data.timepoints[:1], scores=kept)
    )
    blocks = blocks_of(chapters.retention.chapter, data, AnalysisPlan())
    assert [(type(block), getattr(block, "kind", "")) for block in blocks] == [
        (Heading, ""),
        (Paragraph, "missing"),
    ]


def flow_figure(flow, data=None):
    data = data or dataclasses.replace(a_trial(30), flow=flow)
    [figure] = [
        block for block in blocks_of(chapters.flow.chapter, data) if isinstance(block, Figure)
    ]
    return " ".join(re.findall(r">([^<]+)</text>", figure.svg)).replace("\u00a0", " ")


def test_the_flow_shows_why_people_were_excluded_only_where_it_is_known():
    flow = a_trial(30).flow
    assert WORDS["excluded"][0] in flow_figure(flow)
    unknown = flow_figure(dataclasses.replace(flow, excluded=None))
    assert WORDS["excluded"][0] not in unknown
    assert WORDS["assessed"][0] in unknown


def test_the_flow_says_of_an_arm_that_waits_that_its_programme_comes_later():
    flow = a_trial(30).flow
    waiting = dataclasses.replace(flow.arms[2], waits=True, discontinued=None)
    text = flow_figure(dataclasses.replace(flow, arms=(*flow.arms[:2], waiting)))
    assert WORDS["programme_later"][0].split()[0] in text
    assert WORDS["programme_later"][0].split()[0] not in flow_figure(flow)


def test_the_flow_says_why_somebody_with_a_score_is_in_no_analysis():
    data = a_trial(30)
    done = next(
        row.participant for row in data.scores if row.timepoint == "post1" and row.score is not None
    )
    people = tuple(
        dataclasses.replace(each, values={"age": 40.0, "sex": None}) if each.code == done else each
        for each in data.participants
    )
    outcomes = [(each.instrument, each.timepoint) for each in PLAN.primary]
    flow = count_flow(
        people, data.scores, ARMS, outcomes, "pre", covariates=("sex",), assessed=30, excluded={}
    )
    text = flow_figure(flow, dataclasses.replace(data, participants=people, flow=flow))
    assert f"{WORDS['left_out'][0]} (n = 1)" in text


@pytest.mark.parametrize(
    ("least", "wanted", "expected"),
    [
        ([100, 100], [150, 120], [172, 142]),  # all that is wanted, and a little air
        ([100, 300], [300, 400], [154, 327]),
        ([300, 300], [400, 500], [240.5, 240.5]),  # not even the least: all give in alike
        ([400, 200], [400, 500], [481 * 2 / 3, 481 / 3]),
    ],
)
def test_columns_of_the_pdf_share_the_width_of_the_page(least, wanted, expected):
    assert _fitted(least, wanted, 481) == pytest.approx(expected)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_level_that_nobody_has_is_a_note_and_no_row_of_zeros(language):
    data = a_trial(30)
    named = tuple(
        dataclasses.replace(each, levels={**each.levels, "x": {"en": "else"}})
        if each.code == "sex"
        else each
        for each in data.variables
    )
    data = dataclasses.replace(data, variables=named)
    writer = Writer(data, PLAN, analyse(data, PLAN), language)
    table = next(each for each in chapters.baseline.chapter(writer) if isinstance(each, Table))
    assert [row for row in table.rows if "else" in plain(row.cells[0])] == []
    assert WORDS["nobody_note"][LANGUAGES.index(language)].format(what="Sex: else") in [
        plain(note) for note in table.notes
    ]


def test_a_small_or_empty_trial_still_has_a_report(tmp_path):
    for people in (1, 3, 5):
        data = a_trial(people)
        made = write(analyse(data, PLAN), data, PLAN, tmp_path, at=AT)
        assert len(pages(made.pdf)) > 2


def test_a_figure_of_the_baseline_alone_does_not_say_from_there_to_there():
    data = a_trial(30)
    first = data.timepoints[0].code
    data = dataclasses.replace(
        data, scores=tuple(each for each in data.scores if each.timepoint == first)
    )
    report = compose(analyse(data, PLAN), data, PLAN)
    titles = [plain(block.title) for block in report.blocks if hasattr(block, "svg")]
    assert [title for title in titles if "from Pretest to Pretest" in title] == []
    assert any(", so far at Pretest alone: " in title for title in titles)


def test_a_figure_s_title_ends_where_every_arm_was_still_asked():
    data = a_trial(60)
    waiting = {person.code for person in data.participants if person.arm == "waiting"}
    kept = (
        row for row in data.scores if row.timepoint != "post2" or row.participant not in waiting
    )
    data = dataclasses.replace(data, scores=tuple(kept))
    report = compose(analyse(data, PLAN), data, PLAN)
    titles = [plain(block.title) for block in report.blocks if hasattr(block, "svg")]
    assert [title for title in titles if "–" in title] == []
    assert any("PHQ9 from Pretest to Post-test 1: " in title for title in titles)


def test_a_plan_without_extras_has_a_report():
    data = a_trial(30)
    plan = AnalysisPlan(standardiser="post_sd")
    data = _without_flow_outcomes(data)
    text = html(compose(analyse(data, plan), data, plan), AT)
    assert "The plan singles out no primary time point" in text


def _without_flow_outcomes(data):
    arms = tuple(dataclasses.replace(arm, follow_up=()) for arm in data.flow.arms)
    return dataclasses.replace(data, flow=dataclasses.replace(data.flow, arms=arms))


def test_text_of_a_study_is_never_markup(tmp_path):
    data = a_trial(30)
    meta = dataclasses.replace(
        data.meta, title={"en": "<script>alert(1)</script> & co"}, source={"en": "a < b & c"}
    )
    data = dataclasses.replace(data, meta=meta)
    made = write(analyse(data, PLAN), data, PLAN, tmp_path, at=AT)
    assert "<script" not in made.html.read_text()
    assert "a < b & c" in " ".join(pages(made.pdf))


def test_the_html_needs_nothing_from_elsewhere(written):
    text = written["en"].html.read_text()
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"|url\(', text) == []
    assert len(re.findall(r'<img [^>]*alt="[^"]+"', text)) == text.count("<img ") == 8


def test_the_same_report_made_twice_has_the_same_html(trial):
    data, results = trial
    assert html(compose(results, data, PLAN), AT) == html(compose(results, data, PLAN), AT)


def test_nothing_is_left_beside_the_files(trial, tmp_path):
    data, results = trial
    write(results, data, PLAN, tmp_path / "new", at=AT)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "report.html",
        "report.pdf",
        "results.json",
    ]


@pytest.mark.parametrize(
    ("value", "decimals", "language", "expected"),
    [
        (-1.25, 1, "en", "−1.2"),
        (-0.04, 1, "en", "0.0"),
        (1234.5, 2, "nl", "1234,50"),
        (None, 1, "en", "–"),
    ],
)
def test_numerals(value, decimals, language, expected):
    assert numeral(value, decimals, language) == expected


@pytest.mark.parametrize(
    ("p", "expected"), [(0.0004, "<0.001"), (0.0261, "0.026"), (0.1003, "0.10"), (None, "–")]
)
def test_p_values(p, expected):
    assert p_value(p, "en") == expected


def test_from_the_csv_to_the_pdf_nothing_imports_django():
    code = (
        "import sys, reports.csv_input, reports.document\n"
        "print(sorted({'django', 'rest_framework'} & set(sys.modules)))"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"


CONDUCT = Conduct(
    locked_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    first_allocation_at=datetime(2026, 3, 4, 11, 5, tzinfo=UTC),
    registration=Registration("NTR", "NTR5407", date(2026, 3, 5)),
    partial=(PartialTimepoint("post2", ("coached", "unguided")),),
)


def facts(conduct, language="en", arms=ARMS, simulated=True):
    """The front matter of a report, without the no-break spaces."""
    data = a_trial(30, arms=arms, simulated=simulated)
    data = dataclasses.replace(data, meta=dataclasses.replace(data.meta, conduct=conduct))
    report = compose(analyse(data, PLAN), data, PLAN, language)
    pairs = next(block.pairs for block in report.blocks if isinstance(block, Facts))
    return {plain(name): plain(value).replace("\u00a0", " ") for name, value in pairs}


def test_the_front_says_when_design_and_plan_were_locked_and_the_trial_registered():
    said = facts(CONDUCT)
    assert said["Design and analysis plan locked"] == (
        "2 March 2026, 09:30 UTC: before the first allocation (4 March 2026, 11:05 UTC)"
    )
    assert said["Registration"] == "NTR: NTR5407, 5 March 2026"
    real = facts(CONDUCT, simulated=False)["Registration"]
    assert real == "NTR: NTR5407, 5 March 2026: after the first allocation"
    assert said["Time points of some arms only"] == (
        "Post-test 2: only in Coached self-help, Unguided self-help. "
        "Whoever sees that it is due knows the arm; assessors are not blind to it there."
    )


def test_the_front_says_so_in_dutch_with_dutch_dates():
    said = facts(CONDUCT, "nl")
    assert said["Opzet en analyseplan vastgezet"] == (
        "2 maart 2026, 09:30 UTC: vóór de eerste toewijzing (4 maart 2026, 11:05 UTC)"
    )
    assert said["Registratie"] == "NTR: NTR5407, 5 maart 2026"
    real = facts(CONDUCT, "nl", simulated=False)["Registratie"]
    assert real == "NTR: NTR5407, 5 maart 2026: na de eerste toewijzing"


GIVEN = (
    Given("researcher", "staff 1", date(2026, 3, 1), None, "loaded", "", ""),
    Given("supervisor", "staff 4", date(2026, 3, 1), date(2026, 4, 1), "free", "system invite", ""),
    Given("coach", "staff 6", date(2026, 5, 2), None, "agreed", "staff 1", "staff 3"),
    Given("lock", "", date(2026, 9, 1), None, "waited", "staff 2", ""),
)


def roles_said(conduct, language):
    data = a_trial(30)
    data = dataclasses.replace(data, meta=dataclasses.replace(data.meta, conduct=conduct))
    blocks = compose(analyse(data, PLAN), data, PLAN, language).blocks
    tables = [block for block in blocks if isinstance(block, Table) and len(block.heads) == 5]
    return [
        [plain(cell).replace("\u00a0", " ") for cell in row.cells] for row in tables[-1].rows
    ], tables[-1].notes


def test_the_report_prints_every_role_with_who_asked_and_who_agreed():
    rows, notes = roles_said(dataclasses.replace(CONDUCT, given=GIVEN), "en")
    assert rows == [
        ["researcher", "staff 1", "1 March 2026", "–", "loaded the study"],
        [
            "supervisor",
            "staff 4",
            "1 March 2026",
            "1 April 2026",
            "first of this role, before the first allocation; asked by the machine itself",
        ],
        ["coach", "staff 6", "2 May 2026", "–", "asked by staff 1, agreed to by staff 3"],
        [
            "lock of the data",
            "–",
            "1 September 2026",
            "–",
            "asked by staff 2; nobody could agree and nobody said no",
        ],
    ]
    assert plain(notes[-1]).endswith("Whether they belong to two people the software cannot know.")
    assert roles_said(dataclasses.replace(CONDUCT, given=GIVEN), "nl")[0][2][-1] == (
        "gevraagd door staff 1, ingestemd door staff 3"
    )


def test_a_trial_without_registration_was_registered_neither_before_nor_after():
    conduct = dataclasses.replace(CONDUCT, registration=None)
    assert conduct.registered is None
    data = a_trial(30)
    data = dataclasses.replace(data, meta=dataclasses.replace(data.meta, conduct=conduct))
    assert (
        json.loads(results_json(analyse(data, PLAN), data, PLAN, AT))["meta"]["conduct"][
            "registration"
        ]
        is None
    )


def test_a_trial_without_registration_or_one_armed_time_points_says_so():
    said = facts(dataclasses.replace(CONDUCT, registration=None, partial=()))
    assert said["Registration"] == "Not registered."
    assert said["Time points of some arms only"] == "none: every arm has every time point"


def test_a_pooled_report_names_no_arm_of_a_one_armed_time_point():
    said = facts(dataclasses.replace(CONDUCT, partial=(PartialTimepoint("later"),)), arms=None)
    assert said["Time points of some arms only"].startswith("later: not in every arm. ")


def test_what_a_data_file_does_not_tell_of_the_conduct_is_not_recorded():
    said = facts(None)
    keys = ("Design and analysis plan locked", "Registration", "Time points of some arms only")
    assert {said[key] for key in keys} == {"not recorded in this data set"}


@pytest.mark.parametrize(("on", "expected"), [(3, "before"), (4, "same_day"), (5, "after")])
def test_registration_against_the_day_of_the_first_allocation(on, expected):
    conduct = dataclasses.replace(
        CONDUCT, registration=Registration("NTR", "NTR5407", date(2026, 3, on))
    )
    assert conduct.registered == expected


def test_a_real_registration_is_not_held_against_the_made_up_days_of_a_rehearsal():
    data = a_trial(30)
    data = dataclasses.replace(data, meta=dataclasses.replace(data.meta, conduct=CONDUCT))
    made = json.loads(results_json(analyse(data, PLAN), data, PLAN, AT))
    assert made["meta"]["conduct"]["registration"]["against_first_allocation"] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_a_study_that_names_a_published_trial_is_told_from_it(language):
    data = a_trial(12)
    data = dataclasses.replace(data, meta=dataclasses.replace(data.meta, names_published=False))
    text = html(compose(analyse(data, PLAN), data, PLAN, language), AT)
    mark = {"en": "Simulated people.", "nl": "Gesimuleerde mensen."}[language]
    assert f'<header class="mark">{mark}</header>' in text
    assert [word for word in ("published", "gepubliceerde") if word in text] == []
    made = json.loads(results_json(analyse(data, PLAN), data, PLAN, AT))
    assert made["meta"]["notice"] == "Simulated people."


def test_results_json_holds_the_facts_of_the_conduct():
    data = a_trial(30, simulated=False)
    data = dataclasses.replace(data, meta=dataclasses.replace(data.meta, conduct=CONDUCT))
    assert json.loads(results_json(analyse(data, PLAN), data, PLAN, AT))["meta"]["conduct"] == {
        "design_and_plan_locked_at": "2026-03-02T09:30:00+00:00",
        "first_allocation_at": "2026-03-04T11:05:00+00:00",
        "locked_before_first_allocation": True,
        "registration": {
            "registry": "NTR",
            "id": "NTR5407",
            "on": "2026-03-05",
            "against_first_allocation": "after",
        },
        "timepoints_of_some_arms_only": [{"code": "post2", "arms": ["coached", "unguided"]}],
        "roles_and_lock": [],
    }


@pytest.mark.parametrize("arms", [ARMS, None])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_table_of_the_pdf_breaks_a_word(arms, language):
    data = a_trial(60, arms=arms)
    _fonts()
    for block in compose(analyse(data, PLAN), data, PLAN, language).blocks:
        if isinstance(block, Table):
            widths = _widths(block, 481)
            assert sum(widths) <= 481.01
            for i, head in enumerate(block.heads):
                words = [("STIX-Bold", 8.2, word) for word in plain(head.spans).split(" ")]
                words += [
                    ("STIX", 8.6, word)
                    for row in block.rows
                    for word in plain(row.cells[i]).split(" ")
                ]
                wide = [
                    word
                    for font, size, word in words
                    if stringWidth(word, font, size) + 6 > widths[i]
                ]
                assert wide == []


def test_ticks_that_would_touch_are_not_labelled():
    """A number of seven and a half points is about five points wide a digit, and five more are left
    between two.
    """
    ticks = [0.0, 7.0, 21.0, 35.0, 49.0, 140.0, 231.0]
    shown = apart(ticks, [f"{tick:g}" for tick in ticks], 1.1)
    assert [tick for tick, is_shown in zip(ticks, shown, strict=True) if is_shown] == [
        0,
        21,
        35,
        49,
        140,
        231,
    ]
    assert apart([0.0, 5.0, 6.0], ["0", "5", "6"], 4.0) == [True, False, True]
    assert apart([0.0, 1.0], ["0", "1"], 1.0) == [True, False]
    assert (apart([0.0], ["0"], 1.0), apart([], [], 1.0)) == ([True], [])


def test_people_at_risk_stand_only_under_ticks_that_have_a_label():
    steps = [(0.0, 1.0, 1.0, 1.0, 0), (90.0, 0.5, 0.4, 0.6, 1)]
    drawn = survival_curves(
        [Stay("All", steps, [71, 72, 73])], [0.0, 1.0, 100.0], "days", "share", "at risk"
    )
    texts = re.findall(r">([^<]+)</text>", drawn)
    assert [text for text in ("71", "72", "73") if text in texts] == ["71", "73"]


def test_an_arm_that_nobody_was_given_a_module_in_has_no_mark_there():
    def marks(shares):
        drawn = funnel(
            [Rung("Lesson", [(0.9, 0.5, 0.4, 0.6), shares])],
            ["A", "B"],
            "share",
            "opened",
            "completed",
        )
        return drawn.count("<path") + drawn.count("<use")

    assert marks(None) < marks((0.0, 0.0, 0.0, 0.0))


def test_labels_that_stand_on_one_another_are_pushed_apart_around_where_they_were():
    assert spread([0.5, 0.5], 0.2) == pytest.approx([0.4, 0.6])
    assert spread([0.1, 0.9], 0.2) == [0.1, 0.9]
    assert within([0.9, 0.1, 1.1], 0.2, 0.1, 1.0) == pytest.approx([0.8, 0.1, 1.0])
    assert within([-0.3, -0.1], 0.2, 0.1, 1.0) == pytest.approx([0.1, 0.3])
    many = spread(
        [0.5] * 30, 1.0
    )  # more than there is patience for: in order still, and around the same middle
    assert many == sorted(many)
    assert sum(many) / 30 == pytest.approx(0.5)


def test_the_time_axis_of_means_says_which_day_it_was():
    data = a_trial(60)
    report = compose(analyse(data, PLAN), data, PLAN)
    figure = next(
        block for block in report.blocks if "from Pretest" in plain(getattr(block, "title", ()))
    )
    texts = re.findall(r">([^<]+)</text>", figure.svg)
    assert [text for text in ("0", "56", "147", "Post-test 1") if text not in texts] == []


def test_an_instrument_without_baseline_has_a_sentence_instead_of_an_empty_table():
    data = a_trial(60)
    kept = (row for row in data.scores if (row.instrument, row.timepoint) != ("CESD", "pre"))
    data = dataclasses.replace(data, scores=tuple(kept))
    report = compose(analyse(data, PLAN), data, PLAN)
    said = [
        plain(block.spans) for block in report.blocks if getattr(block, "kind", "") == "missing"
    ]
    assert any(text.startswith("CESD: no difference can be estimated") for text in said)


def test_every_table_and_figure_of_the_html_has_a_name_and_no_head_is_empty(written):
    text = written["en"].html.read_text()
    names = re.findall(r'aria-labelledby="([^"]+)"', text)
    assert len(names) == len(set(names)) == text.count("<table>") + text.count("<figure>")
    assert [name for name in names if f'id="{name}"' not in text] == []
    assert re.findall(r"<th[^>]*></th>", text) == []
    assert "color-scheme:light dark" in text


@pytest.mark.parametrize(
    ("language", "made"), [("en", "2 January 2026, 03:04 UTC"), ("nl", "2 januari 2026, 03:04 UTC")]
)
def test_the_foot_says_in_the_report_s_language_when_it_was_made(written, language, made):
    texts = [*pages(written[language].pdf), written[language].html.read_text()]
    assert [text for text in texts if made not in text.replace("\u00a0", " ")] == []
