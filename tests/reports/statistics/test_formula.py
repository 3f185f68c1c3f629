"""The formulas of models: which columns they give, named as R's model.matrix names them, and what
they refuse and where.
"""

import numpy as np
import pandas as pd
import pytest

from reports.statistics import ancova, formula
from reports.statistics.formula import FormulaError, UnknownColumn
from reports.statistics.model_frame import NotEstimable

ARM = formula.Variable("arm", ("a", "b"))
SITE = formula.Variable("site", ("n", "s"))
AGE = formula.Variable("age", mean=40.0)
KNOWN = {"arm": ARM, "site": SITE, "age": AGE}


def design(text):
    return formula.design(formula.parse(text), KNOWN)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("arm:age", [("arm", "age")]),
        ("arm + age + arm:age", [("arm",), ("age",), ("arm", "age")]),
        ("arm:site:age", [("arm", "site", "age")]),
        ("age:age", [("age",)]),
        ("arm:site + site:arm", [("arm", "site")]),
        ("arm * age + site:age", [("arm",), ("age",), ("arm", "age"), ("age", "site")]),
    ],
)
def test_a_colon_joins_variables_into_one_term_and_the_same_term_stands_once(text, terms):
    assert formula.parse(text).terms == tuple(terms)


def test_an_interaction_without_its_main_effects_has_a_column_for_every_cell():
    # R: colnames(model.matrix(~ arm:site)), a cell each beside the intercept.
    assert design("arm:site").names == (
        "(Intercept)",
        "arma:siten",
        "armb:siten",
        "arma:sites",
        "armb:sites",
    )
    # R: model.matrix(~ arm + arm:age), a slope for each arm.
    assert design("arm + arm:age").names == ("(Intercept)", "armb", "arma:age", "armb:age")
    values = {"arm": np.array([0, 1]), "age": np.array([30.0, 50.0])}
    assert design("arm + arm:age").matrix(values, 2).tolist() == [[1, 0, 30, 0], [1, 1, 0, 50]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("age - arm", "at '- arm': a formula has names"),
        ("age + 2", "at '2': a formula has names"),
        ("age arm", "before 'arm': +, : or * is missing"),
        ("age + * arm", "before '* arm': a name is missing"),
        ("+ age", "before '+ age': a name is missing"),
        ("age +", "a name is missing at the end of 'age +'"),
        ("arm * site:age", "write a * b:c as a + b:c + a:b:c"),
    ],
)
def test_a_text_that_is_no_formula_is_refused_at_its_place(text, says):
    with pytest.raises(FormulaError) as raised:
        formula.parse(text)
    assert says in str(raised.value)


def test_what_is_asked_of_a_model_must_be_in_it():
    model = design("age + arm")
    with pytest.raises(UnknownColumn) as raised:
        model.grid(["site"])
    assert str(raised.value) == "'site' is not in the model; it has age, arm"
    with pytest.raises(UnknownColumn) as raised:
        model.hypothesis("arm:age")
    assert str(raised.value) == "'arm:age' is no term of the model; it has age, arm"
    with pytest.raises(FormulaError) as raised:
        model.grid(["arm", "age"])
    assert str(raised.value) == "age: marginal means are of categories"


def frame():
    rng = np.random.default_rng(1)
    arm = np.tile(["a", "b"], 10)
    age = rng.normal(40, 10, 20)
    return pd.DataFrame(
        {"y": 0.3 * age + (arm == "b") + rng.normal(size=20), "age": age, "arm": arm}
    )


def test_marginal_means_of_a_number_are_refused_with_how_to_write_it():
    model = ancova.regress(frame(), outcome="y", fixed="age + arm")
    with pytest.raises(FormulaError) as raised:
        model.data.with_level("age", "40")
    assert str(raised.value) == "age is a number, not a category; write C(age)"


def test_a_reference_level_of_a_column_outside_the_formula_is_refused():
    with pytest.raises(UnknownColumn) as raised:
        ancova.regress(frame(), outcome="y", fixed="age", reference={"arm": "a", "site": "n"})
    assert str(raised.value) == "reference names arm, site, not in the formula"


def test_as_many_people_as_coefficients_are_too_few():
    with pytest.raises(NotEstimable) as raised:
        ancova.regress(frame().head(3), outcome="y", fixed="age + arm")
    assert str(raised.value) == "3 people are too few for 3 coefficients"
    assert ancova.regress(frame().head(4), outcome="y", fixed="age + arm").df == 1
