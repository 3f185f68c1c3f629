"""Adjusted p values: worked examples, the procedures run level by level, and the laws of every
adjustment.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import multiplicity
from reports.statistics.multiplicity import Family, NotAPValue

ADJUSTMENTS = [
    multiplicity.bonferroni,
    multiplicity.holm,
    multiplicity.hochberg,
    multiplicity.fixed_sequence,
]
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_worked_examples():
    # By hand. Holm: .01 x 4, .02 x 3, .03 x 2, .04 x 1 with a running maximum; Hochberg the running
    # minimum from above.
    p = [0.04, 0.01, 0.03, 0.02]
    assert multiplicity.holm(p) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert multiplicity.hochberg(p) == pytest.approx([0.04, 0.04, 0.04, 0.04])
    assert multiplicity.bonferroni(p) == pytest.approx([0.16, 0.04, 0.12, 0.08])
    assert multiplicity.fixed_sequence([0.01, 0.03, 0.02, 0.5, 0.001]) == [
        0.01,
        0.03,
        0.03,
        0.5,
        0.5,
    ]


@given(p_values)
@pytest.mark.parametrize("adjust", ADJUSTMENTS)
def test_no_adjusted_value_is_below_its_own_or_above_one(adjust, p):
    assert all(raw <= adjusted <= 1 for raw, adjusted in zip(p, adjust(p), strict=True))


@given(p_values)
@pytest.mark.parametrize("adjust", ADJUSTMENTS[:3])
def test_the_order_of_evidence_is_kept(adjust, p):
    adjusted = adjust(p)
    assert [a for _, a in sorted(zip(p, adjusted, strict=True))] == sorted(adjusted)


@given(p_values)
def test_hochberg_is_never_above_holm_nor_holm_above_bonferroni(p):
    rows = zip(
        *(
            adjust(p)
            for adjust in (multiplicity.hochberg, multiplicity.holm, multiplicity.bonferroni)
        ),
        strict=True,
    )
    assert all(a <= b + 1e-15 <= c + 2e-15 for a, b, c in rows)


@given(p_values, st.integers(0, 7), st.floats(0, 1))
@pytest.mark.parametrize("adjust", ADJUSTMENTS)
def test_a_smaller_p_value_makes_no_adjusted_value_larger(adjust, p, which, factor):
    smaller = list(p)
    smaller[which % len(p)] *= factor
    assert all(a <= b + 1e-15 for a, b in zip(adjust(smaller), adjust(p), strict=True))


def procedure(families, p, alpha):
    """The names rejected at one level, by the procedure as Dmitrienko, Tamhane and Wiens write
    it.
    """
    rejected, level = set(), alpha
    for number, family in enumerate(families):
        n, gamma = len(family.names), family.truncation if family.gate == "parallel" else 1.0
        gamma = 1.0 if number == len(families) - 1 else gamma
        own = set()
        for rank, name in enumerate(sorted(family.names, key=p.get)):
            if p[name] > level * (gamma / (n - rank) + (1 - gamma) / n):
                break
            own.add(name)
        rejected |= own
        accepted = n - len(own)
        spent = (gamma + (1 - gamma) * accepted / n) if accepted else 0.0
        level *= 1 - spent
        if level <= 0:
            break
    return rejected


@st.composite
def declared(draw):
    families, p = [], {}
    for number in range(draw(st.integers(1, 4))):
        names = tuple(f"{number}{i}" for i in range(draw(st.integers(1, 3))))
        gate = draw(st.sampled_from(["serial", "parallel"]))
        families.append(Family(names, gate, draw(st.sampled_from([0.0, 0.25, 0.5]))))
        p |= {
            name: draw(st.one_of(st.floats(0.0001, 0.06), st.floats(0.0001, 1))) for name in names
        }
    return families, p


@given(declared(), st.floats(0.001, 0.5))
def test_gatekeeping_rejects_at_every_level_what_the_procedure_rejects(given_, alpha):
    families, p = given_
    found = multiplicity.gatekeeping(p, families)
    if any(abs(each.adjusted - alpha) < 1e-9 for each in found):
        return
    assert {each.name for each in found if each.adjusted <= alpha} == procedure(families, p, alpha)


@given(declared())
def test_gatekeeping_never_makes_p_smaller_and_a_serial_gate_holds(given_):
    families, p = given_
    found = multiplicity.gatekeeping(p, families)
    assert [each.name for each in found] == [name for family in families for name in family.names]
    assert all(each.raw <= each.adjusted <= 1 for each in found)
    for number, family in enumerate(families[:-1]):
        gate = max(each.adjusted for each in found if each.family == number)
        if family.gate == "serial":
            assert all(each.adjusted >= gate for each in found if each.family > number)


@given(p_values)
def test_families_of_one_are_a_fixed_sequence_and_one_family_is_holm(p):
    names = [str(i) for i in range(len(p))]
    given_p = dict(zip(names, p, strict=True))
    alone = multiplicity.gatekeeping(given_p, [Family((name,)) for name in names])
    together = multiplicity.gatekeeping(given_p, [Family(tuple(names), "parallel")])
    assert [each.adjusted for each in alone] == pytest.approx(multiplicity.fixed_sequence(p))
    assert [each.adjusted for each in together] == pytest.approx(multiplicity.holm(p))


def test_what_is_no_p_value_or_no_family_is_refused():
    with pytest.raises(NotAPValue, match="nan is not a p value"):
        multiplicity.holm([0.1, float("nan")])
    with pytest.raises(NotAPValue, match=r"1\.5"):
        multiplicity.gatekeeping({"a": 1.5}, [Family(("a",))])
    with pytest.raises(ValueError, match="hold a, b; there are p values of a"):
        multiplicity.gatekeeping({"a": 0.1}, [Family(("a", "b"))])
    with pytest.raises(ValueError, match="gate"):
        Family(("a",), "open")
    with pytest.raises(ValueError, match="at least one"):
        Family(())
    with pytest.raises(ValueError, match="truncation"):
        Family(("a",), "parallel", 1.0)
