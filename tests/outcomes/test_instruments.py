import copy
import shutil

import pytest
import yaml
from pydantic import ValidationError

from outcomes import instruments
from outcomes.instruments import LIBRARY, Instrument, load_library

# Two items answered 0 to 2, the second one reversed: small enough to see every consistency at a
# glance.
SMALL = """
code: SMALL
version: "1"
title: {en: Small}
source: made for this test
licence: none needed
range: [0, 4]
direction: higher_worse
items: [{code: "1"}, {code: "2", risk: true}]
options: [0, 1, 2]
reverse: ["2"]
scoring: {method: sum, items: ["1", "2"], max_missing: 1, missing: prorate}
derived: {FIRST: ["1"]}
bands:
  - {from: 0, to: 1, code: low, label: {en: Low}}
  - {from: 2, to: 4, code: high, label: {en: High}}
reliable_change:
  - {points: 2, source: a paper, status: cited}
  - {sd: 1.5, reliability: 0.8, source: another paper, status: unverified}
wordings:
  en:
    {status: secondary, source: [a page], items: {"1": One, "2": Two}, options: {0: Never, 1: Some, 2: Much}, note: x}
"""  # noqa: E501


def definition(**changes):
    return {**yaml.safe_load(SMALL), **changes}


def mistakes(found):
    with pytest.raises(ValidationError) as caught:
        Instrument.model_validate(found)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]


def test_a_definition_survives_being_stored_as_json():
    instrument = Instrument.model_validate(definition())
    assert Instrument.model_validate_json(instrument.model_dump_json()) == instrument
    assert Instrument.model_validate(instrument.model_dump(mode="json")) == instrument


def test_numbers_that_arrive_as_text_mean_the_same():
    def as_text(value):
        if isinstance(value, dict):
            return {str(key): as_text(item) for key, item in value.items()}
        return [as_text(item) for item in value] if isinstance(value, list) else str(value)

    assert Instrument.model_validate(as_text(definition())) == Instrument.model_validate(
        definition()
    )


def test_risk_items_are_named():
    assert Instrument.model_validate(definition()).risk_items == ("2",)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"range": [4, 0]}, [("range", "Value error, range is [lowest, highest]")]),
        (
            {"range": [0, 5], "bands": []},
            [("scoring", "Value error, a sum of these items runs from 0 to 4, range says [0, 5]")],
        ),
        (
            {"options": [2, 1, 0]},
            [("options", "Value error, options go from low to high")],
        ),
        (
            {"reverse": ["7"]},
            [("reverse", "Value error, unknown item 7; the items are 1, 2")],
        ),
        (
            {"scoring": {"method": "sum", "items": ["1", "3"]}},
            [("scoring", "Value error, unknown item 3; the items are 1, 2")],
        ),
        (
            {"scoring": {"method": "sum", "items": ["1", "1"]}},
            [("scoring", "Value error, item 1 is given more than once")],
        ),
        (
            {
                "scoring": {
                    "method": "sum",
                    "items": ["1", "2"],
                    "max_missing": 1,
                    "missing": "none",
                }
            },
            [
                (
                    "scoring",
                    "Value error, missing: none allows no blank item; set max_missing to 0, or "
                    "missing to prorate",
                )
            ],
        ),
        (
            {
                "scoring": {
                    "method": "sum",
                    "items": ["1", "2"],
                    "max_missing": 2,
                    "missing": "prorate",
                }
            },
            [("scoring", "Value error, missing: prorate needs max_missing between 1 and 1")],
        ),
        (
            {"derived": {"FIRST": ["9"]}},
            [("derived", "Value error, unknown item 9; the items are 1, 2")],
        ),
        (
            {"derived": {"SMALL": ["1"]}},
            [("derived", "Value error, a derived score needs a name of its own, not SMALL")],
        ),
        (
            {"bands": [{"from": 4, "to": 0, "code": "all", "label": {"en": "All"}}]},
            [("bands.0", "Value error, a band runs upward; from: 4 is above to: 0")],
        ),
        (
            {"sum_of": {"SMALL": "x"}},
            [("sum_of", "Value error, a score is not part of itself; leave SMALL out of sum_of")],
        ),
        # What hangs on something unreadable is not complained about as well.
        ({"items": "none"}, [("items", "Input should be a valid tuple")]),
        ({"options": "none"}, [("options", "Input should be a valid tuple")]),
        ({"extra": 1}, [("extra", "Extra inputs are not permitted")]),
    ],
)
def test_a_mistake_is_reported_where_it_is_mended(changes, expected):
    assert mistakes(definition(**changes)) == expected


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ([(0, 1), (3, 4)], "band b1 starts at 3; to leave no gap or overlap it starts at 2"),
        ([(0, 2), (2, 4)], "band b1 starts at 2; to leave no gap or overlap it starts at 3"),
        ([(1, 4)], "band b0 starts at 1; to leave no gap or overlap it starts at 0"),
        ([(0, 3)], "the bands end at 3, the range at 4"),
        ([(0, 5)], "the bands end at 5, the range at 4"),
    ],
)
def test_bands_cover_the_range_once(limits, message):
    bands = [
        {"from": low, "to": high, "code": f"b{n}", "label": {"en": "Band"}}
        for n, (low, high) in enumerate(limits)
    ]
    assert mistakes(definition(bands=bands)) == [("bands", f"Value error, {message}")]


def test_a_wording_has_every_item_and_every_option_and_no_other():
    wordings = copy.deepcopy(definition()["wordings"])
    wordings["en"]["items"] = {"1": "One", "3": "Three"}
    assert mistakes(definition(wordings=wordings)) == [
        ("wordings", "Value error, en: items: without 2; unknown 3")
    ]
    wordings = copy.deepcopy(definition()["wordings"])
    del wordings["en"]["options"][2]
    assert mistakes(definition(wordings=wordings)) == [
        ("wordings", "Value error, en: options: without 2")
    ]


def test_only_mirrored_options_can_be_reversed():
    found = definition(options=[0, 1, 3], range=[0, 6], bands=[], wordings={})
    message = (
        "Value error, an item can only be reversed where the options mirror each other; [0, 1, 3] "
        "do not"
    )
    assert mistakes(found) == [("reverse", message)]


@pytest.mark.parametrize("given", [{}, {"sd": 1.0}, {"points": 2, "sd": 1.0, "reliability": 0.8}])
def test_a_reliable_change_is_points_or_a_pair(given):
    reference = {**given, "source": "a paper", "status": "cited"}
    message = "Value error, give either points, or sd together with reliability"
    assert mistakes(definition(reliable_change=[reference])) == [("reliable_change.0", message)]


def test_the_library_holds_the_instruments_that_may_be_shipped():
    library = load_library()
    # Names and ranges: the instruments' own scoring rules; sources stand in each file.
    assert {code: library[code].range for code in library} == {
        "CESD": (0, 60),
        "GAD2": (0, 6),
        "GAD7": (0, 21),
        "PHQ2": (0, 6),
        "PHQ4": (0, 12),
        "PHQ9": (0, 27),
    }


def test_the_library_cannot_be_changed_by_its_readers():
    load_library().clear()
    assert sorted(load_library()) == sorted(path.stem for path in LIBRARY.glob("*.yaml"))


def test_a_file_of_the_library_that_carries_another_name_is_refused(tmp_path):
    shutil.copy(LIBRARY / "PHQ9.yaml", tmp_path / "PHQ8.yaml")
    with pytest.raises(
        ValueError, match=r"^PHQ8.yaml defines PHQ9; file and code carry the same name$"
    ):
        instruments._read(tmp_path / "PHQ8.yaml")
