"""The page of a design before it is locked. Ada is the researcher, Finn the statistician."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from randomisation.actions import annexes
from randomisation.assessment import Choices, Factor
from randomisation.forms import design as forms
from randomisation.queries.comparison import Asked
from randomisation.sentences import protocol
from tests import factories
from tests.conftest import NOW, SMALL
from trial import actors
from trial.models import AuditEvent, RequestKey, Study

pytestmark = pytest.mark.django_db
LIVING_POSITIVE = Path(__file__).parents[3] / "trial" / "studies" / "living-positive"
WITHOUT_OTHERS = {
    "n": "40",
    "blocks": "",
    "tolerances": "",
    "limits": "",
    "coins": "",
    "minimisation": "",
}


@pytest.fixture
def draft(db) -> Study:
    """The small study (1:1, blocks of 2 and 4, by sex, 40 people), loaded and not open; not a
    rehearsal.
    """
    return factories.a_loaded_study(SMALL, NOW, simulated=False)


def signed_in(study: Study, role: str) -> Client:
    client = Client()
    user = factories.a_staff_member(study, role, "", NOW)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(study: Study, name: str = "design", *args: str) -> str:
    return reverse(f"research:{name}", args=[study.slug, *args])


def seen(client: Client, address: str, status: int = 200, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == status, answer.content[:400]
    body = re.sub(r"(?s)<(head|script)\b.*?</\1>", " ", answer.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def designs(client: Client, study: Study, **query: str) -> list[str]:
    answer = client.get(url(study, "design_table"), query)
    return [row["design"] for row in csv.DictReader(io.StringIO(answer.content.decode()))]


def test_the_own_design_stands_beside_the_usual_ones(draft):
    ada = signed_in(draft, "researcher")
    page = seen(ada, url(draft))
    assert "Operating characteristics for 40 people in 2 strata" in page
    assert "Blocks of 2 and 4 this study" in page
    assert designs(ada, draft) == [
        "blocks of 2 and 4",
        "blocks of 4",
        "blocks of 6",
        "blocks of 4 and 6",
        "big stick, tolerance 2",
        "big stick, tolerance 3",
        "big stick, tolerance 4",
        "block urn, limit 3",
        "biased coin (Efron), p = 2/3",
        "minimisation, p = 0.8",
    ]


def test_one_alternative_and_three_are_asked_for_without_more_queries(draft):
    ada = signed_in(draft, "researcher")
    assert designs(ada, draft, **WITHOUT_OTHERS) == ["blocks of 2 and 4"]
    assert designs(ada, draft, **{**WITHOUT_OTHERS, "blocks": "4, 6+8, 4+6"}) == [
        "blocks of 2 and 4",
        "blocks of 4",
        "blocks of 6 and 8",
        "blocks of 4 and 6",
    ]
    counts = []
    for blocks in ("4", "4, 6, 4+6"):
        with CaptureQueriesContext(connection) as queries:
            assert "Figures" in seen(ada, url(draft), **{**WITHOUT_OTHERS, "blocks": blocks})
        counts.append(len(queries))
    assert counts == [QUERIES, QUERIES]


# Session, user, their role in the study, its version, the commitment, the sealed part, the stamp of
# the database.
QUERIES = 6


def test_the_table_as_a_file_holds_the_figures_as_numbers(draft):
    ada = signed_in(draft, "researcher")
    answer = ada.get(url(draft, "design_table"), {**WITHOUT_OTHERS, "n": "100", "tolerances": "3"})
    own, stick = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (own["own"], stick["own"], stick["n"], stick["strata"]) == ("yes", "no", "100", "2")
    assert float(own["correct_se"]) == 0
    assert float(own["furthest_se"]) > 0
    assert 0.55 < float(stick["correct"]) < 0.59  # .5811 for one stratum of 100
    assert (
        answer["Content-Disposition"]
        == 'attachment; filename="small-study-randomisation-designs.csv"'
    )


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("n", "many", "Write a whole number from 2 to 1000."),
        ("n", "100000", "Write a whole number from 2 to 1000."),
        ("blocks", "5", "“5” does not go with the ratio 1:1."),
        ("blocks", "4+6+8+10", "At most 3 sizes in one design."),
        ("blocks", "2, 4, 6, 8, 10", "At most 4 of a kind."),
        ("blocks", "900", "“900” is not a whole number from 1 to 24."),
        ("tolerances", "0", "“0” is not a whole number from 1 to 20."),
        ("limits", "x", "“x” is not a whole number from 1 to 20."),
        ("coins", "1/3", "“1/3” does not go with the ratio 1:1."),
        ("coins", "2/0", "“2/0” is not a chance such as 2/3 or 0.8."),
        ("minimisation", "0.4", "“0.4” does not go with the ratio 1:1."),
        ("shares_sex", "1:2:3", "3 numbers for 2 levels: one for each, with a colon between them."),
        ("effect", "-1", "Write a number such as 0.5."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(draft, field, given, said):
    ada = signed_in(draft, "researcher")
    answer = ada.get(url(draft), {**WITHOUT_OTHERS, field: given})
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert said in answer.content.decode()
    assert f'value="{given}"' in answer.content.decode()
    assert ada.get(url(draft, "design_table"), {**WITHOUT_OTHERS, field: given}).status_code == 302


def test_expected_shares_change_the_figures(draft):
    ada = signed_in(draft, "researcher")
    even, uneven = (
        ada.get(url(draft), {**WITHOUT_OTHERS, "shares_sex": shares}).context["rows"][0].found
        for shares in ("", "9:1")
    )
    assert even.within.value != uneven.within.value


def test_a_statistician_is_told_what_to_watch_and_no_figure(draft):
    page = seen(signed_in(draft, "statistician"), url(draft))
    assert "Some allocations" not in page
    assert "The next arm can be guessed too often by who knows whom went before." in page
    assert "Sizes, tolerances and chances are sealed" in page
    assert "Operating characteristics" not in page
    assert not re.search(r"\d%", page)


@pytest.mark.parametrize("state", ["open", "paused", "closed"])
def test_once_the_study_has_opened_nothing_sealed_is_shown(draft, state):
    ada = signed_in(draft, "researcher")
    Study.objects.update(state=state)
    page = seen(ada, url(draft))
    assert "The study has opened." in page
    assert "Operating characteristics" not in page
    assert "guessed too often" not in page
    assert not re.search(r"\d%", page)
    assert ada.get(url(draft, "design_table")).status_code == 404
    assert ada.post(url(draft, "design_annex"), {"request_key": str(uuid4())}).status_code == 404
    assert not AuditEvent.objects.filter(action="sealed annex given").exists()


def test_once_the_study_is_locked_it_is_shown_again(draft):
    ada = signed_in(draft, "researcher")
    Study.objects.update(state="locked")
    assert "Blocks of 2 and 4" in seen(ada, url(draft))


def test_a_coach_finds_no_such_page(draft):
    ben = signed_in(draft, "coach")
    for address in (url(draft), url(draft, "design_table"), url(draft, "design_text", "en", "txt")):
        assert ben.get(address).status_code == 404


def test_the_annex_holds_the_sizes_and_the_trail_who_took_it(draft):
    ada = signed_in(draft, "researcher")
    once = {"request_key": str(uuid4())}
    answers = [ada.post(url(draft, "design_annex"), once) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "block_sizes: [2, 4]" in answers[0].content.decode()
    event = AuditEvent.objects.get(action="sealed annex given")
    assert (event.subject, event.role) == ("version 1", "researcher")
    assert "4" not in event.new + event.old + event.reason
    Study.objects.update(state="open")
    assert ada.post(url(draft, "design_annex"), once).status_code == 404
    assert RequestKey.objects.filter(action__endswith="annexes.give").count() == 1


def test_finn_does_not_get_the_annex(draft):
    finn = signed_in(draft, "statistician")
    assert finn.post(url(draft, "design_annex"), {"request_key": str(uuid4())}).status_code == 403


@pytest.mark.parametrize(
    ("language", "kind"), [("en", "txt"), ("nl", "txt"), ("en", "md"), ("nl", "md")]
)
def test_the_text_for_the_protocol_names_its_items_and_no_size(draft, language, kind):
    ada = signed_in(draft, "researcher")
    answer = ada.get(url(draft, "design_text", language, kind))
    text = answer.content.decode()
    assert (
        f'filename="small-study-randomisation-{language}.{kind}"' in answer["Content-Disposition"]
    )
    for spirit, consort in (("21a", "17a"), ("21b", "17b"), ("22", "18"), ("23", "19")):
        assert re.search(rf"SPIRIT 2025 item {spirit}; CONSORT 2025 item {consort}", text)
    numbers = set(re.findall(r"\d+", re.sub(r"(SPIRIT|CONSORT) 2025 item \d+", "", text)))
    # 32 bytes, SHA-256; the ratio 1:1; two levels of sex.
    assert numbers == {"32", "256", "1", "2"}
    assert text.startswith("# ") == (kind == "md")


def test_the_text_says_permuted_blocks_of_varying_size_in_both_languages(draft):
    ada = signed_in(draft, "researcher")
    english, dutch = (
        ada.get(url(draft, "design_text", each, "txt")).content.decode() for each in ("en", "nl")
    )
    assert "to Guided and Unguided in the ratio 1:1 by permuted blocks of varying size." in english
    assert "Begeleid en Onbegeleid" in dutch
    assert "gepermuteerde blokken van wisselende grootte" in dutch


def test_other_languages_and_kinds_do_not_exist(draft):
    ada = signed_in(draft, "researcher")
    assert ada.get(url(draft, "design_text", "fr", "txt")).status_code == 404
    assert ada.get(url(draft, "design_text", "en", "pdf")).status_code == 404


def test_the_page_is_in_dutch_for_whoever_reads_dutch(draft):
    ada = signed_in(draft, "researcher")
    ada.cookies["django_language"] = "nl"
    page = seen(ada, url(draft))
    assert "Opzet van de randomisatie" in page
    assert "Blokken van 2 en 4" in page


def test_the_trial_with_forty_six_strata_is_warned_of_before_it_opens(db):
    study = factories.a_loaded_study(LIVING_POSITIVE, NOW, simulated=False)
    page = seen(signed_in(study, "researcher"), url(study), **{**WITHOUT_OTHERS, "n": "188"})
    assert "188 people over 46 strata are about 4.1 in each, less than one block of 12" in page
    short = seen(signed_in(study, "statistician"), url(study))
    assert "There are fewer people to a stratum than one block holds" in short
    assert (
        "12" not in short.partition("Worth a second look")[2].partition("Text for the protocol")[0]
    )


def changed(directory: Path, old: str, new: str) -> Study:
    folder = directory / "small_study"
    shutil.copytree(SMALL, folder)
    file = folder / "randomisation.yaml"
    file.write_text(file.read_text().replace(old, new))
    return factories.a_loaded_study(folder, NOW, simulated=False)


def test_an_unequal_ratio_has_its_first_steps_and_other_alternatives(db, tmp_path):
    study = changed(
        tmp_path,
        "guided: 1, unguided: 1}\nblock_sizes: [2, 4]",
        "guided: 2, unguided: 1}\nblock_sizes: [3]",
    )
    ada = signed_in(study, "researcher")
    assert designs(ada, study) == [
        "blocks of 3",
        "blocks of 6",
        "blocks of 3 and 6",
        "minimisation, p = 0.8",
    ]
    page = seen(ada, url(study))
    assert "The chance of “Guided” at the first allocations" in page
    assert "Blocks of 6 0.667 0.667 0.667 0.667 0.667 0.667" in page
    assert {"tolerances", "coins"}.isdisjoint(ada.get(url(study)).context["form"].fields)


def test_a_limit_that_loses_the_ratio_says_by_how_much(db, tmp_path):
    study = changed(
        tmp_path,
        "guided: 1, unguided: 1}\nblock_sizes: [2, 4]",
        "guided: 2, unguided: 1}\nblock_sizes: [3]",
    )
    page = seen(signed_in(study, "researcher"), url(study), **{**WITHOUT_OTHERS, "limits": "2"})
    assert "Block urn, limit 2" in page
    assert "off by 2.7 points" in page


def test_blocks_that_can_be_open_in_too_many_ways_are_not_worked_out(db, tmp_path):
    study = changed(tmp_path, "[2, 4]", "[20, 22, 24]")
    ada = signed_in(study, "researcher")
    page = seen(ada, url(study), **WITHOUT_OTHERS)
    assert "Not worked out: these blocks can be open in too many ways." in page
    answer = ada.get(url(study, "design_table"), WITHOUT_OTHERS)
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["design"], row["correct"]) == ("blocks of 20, 22 and 24", "")


def test_the_commitment_stands_on_the_page_of_an_open_study(study):
    Study.objects.update(simulated=False)
    from randomisation.models import SealedSeed

    page = seen(signed_in(study, "researcher"), url(study))
    assert SealedSeed.objects.get().commitment in page


def test_a_rule_is_named_without_what_is_sealed():
    from randomisation.sentences import rules

    assert rules.restriction({"method": "permuted_blocks", "block_sizes": [4]}) == "permuted blocks"
    assert rules.restriction({"method": "big_stick", "tolerance": 3}) == "big stick"
    assert rules.in_full({"method": "wei", "a": 0, "b": 1}) == "urn (Wei), a = 0, b = 1"


def test_a_rule_without_parameters_has_nothing_in_an_annex():
    of = protocol.Described(
        "T", 1, "0" * 64, {"method": "complete", "ratio": {"a": 1, "b": 1}}, ("A", "B"), (), 10
    )
    text = protocol.as_text(of, "en", "txt")
    assert "annex" not in text
    assert "The allocation is not stratified." in text


def said(plan, **more):
    of = protocol.Described(
        "T",
        1,
        "0" * 64,
        {"ratio": {"a": 1, "b": 1}, **plan},
        ("A", "B"),
        (("Sex", 2), ("Site", 1)),
        10,
    )
    return protocol.as_text(dataclasses.replace(of, **more), "en", "txt")


def test_the_text_says_what_is_balanced_what_is_stratified_and_what_goes_together():
    balanced = said({"method": "minimisation", "factors": {"sex": "1", "site": "1"}, "p": "0.8"})
    assert "The arms are balanced over Sex (2 levels) and Site (1 level)." in balanced
    together = "People of one cluster are allocated together"
    stratified = said(
        {
            "method": "permuted_blocks",
            "block_sizes": [4],
            "strata": ["sex", "site"],
            "cluster": "site",
        }
    )
    assert "The allocation is stratified by Sex (2 levels) and Site (1 level)" in stratified
    assert (together in stratified, together in balanced) == (True, False)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "No member of the team takes part in assigning."),
        (
            {"forced": 1},
            "Otherwise than in at most 1 case, in which two members of the team give an arm by "
            "hand",
        ),
        (
            {"forced": 3},
            "Otherwise than in at most 3 cases, in which two members of the team give an arm by "
            "hand",
        ),
        ({"stages": 1}, "At 1 later stage people are randomised again"),
        ({"stages": 2}, "At 2 later stages people are randomised again"),
    ],
)
def test_the_text_says_whether_anybody_gives_an_arm_by_hand_and_who_is_randomised_again(
    more, words
):
    assert words in said({"method": "complete"}, **more)


def compare(*factors, **typed):
    names = {factor.name: factor.name.title() for factor in factors}
    at_first = Asked(40, None, Choices.offered({"a": 1, "b": 1}, bool(factors)), factors)
    return forms.Compare(typed or None, at_first=at_first, ratio={"a": 1, "b": 1}, names=names)


def test_only_what_a_design_has_is_asked_for():
    one, two = Factor.even("site", ["main"]), Factor.even("sex", "fm")
    assert "minimisation" not in compare().fields
    assert {name for name in compare(one, two).fields if name.startswith("shares")} == {
        "shares_sex"
    }
    form = compare(one, two, shares_sex="3:2")
    assert form.is_valid()
    assert [factor.weights for factor in form.asked.factors] == [one.weights, (3, 2)]


def test_the_annex_of_a_study_that_goes_on_is_given_to_nobody(study):
    Study.objects.update(simulated=False)
    with pytest.raises(annexes.Concealed, match="open"):
        annexes.give(study=study, language="en", by=actors.staff(1, "researcher"), at=NOW)
    assert AuditEvent.objects.filter(action="sealed annex given").count() == 0
