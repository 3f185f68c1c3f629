"""From a source to a frozen model, with pydantic's findings put into words and given their
lines.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from trial.folder.problems import MOST_PROBLEMS, Problem, listed, unknown
from trial.folder.source import Loc, Source

M = TypeVar("M", bound=BaseModel)

WORDS = {
    "int_parsing": "'{input}' is not a whole number",
    "int_from_float": "'{input}' is not a whole number",
    "int_type": "should be a whole number",
    "int_parsing_size": "the number is too large",
    "float_parsing": "'{input}' is not a number",
    "float_type": "should be a number",
    "finite_number": "'{input}' is not a number",
    "bool_parsing": "'{input}' is neither yes nor no",
    "bool_type": "should be yes or no",
    "date_type": "should be a date, such as 2018-09-30",
    "string_type": "should be text",
    "string_too_short": "is empty; write a text",
    "string_too_long": "is too long; at most {max_length} characters",
    "tuple_type": "should be a list, such as [{example}]",
    "list_type": "should be a list, such as [{example}]",
    "dict_type": "should be keys with values, such as {{key: value}}",
    "model_type": "should be keys with values, such as {{key: value}}",
    "model_attributes_type": "should be keys with values, such as {{key: value}}",
    "greater_than_equal": "'{input}' is too small; at least {ge}",
    "greater_than": "'{input}' is too small; more than {gt}",
    "less_than_equal": "'{input}' is too large; at most {le}",
    "less_than": "'{input}' is too large; less than {lt}",
    "too_short": "needs at least {min_length} in the list; there are {actual_length}",
    "too_long": "may hold {max_length} in the list; there are {actual_length}",
}


@dataclass(frozen=True)
class Parsed(Generic[M]):
    """`model` is None when there are problems in the way."""

    model: M | None
    problems: list[Problem] = field(default_factory=list)


def parse(model: type[M], source: Source, languages: Sequence[str] | None = None) -> Parsed[M]:
    """Validate `source` as `model`. `languages` are those in which every text must be written; None
    checks none.
    """
    problems = list(source.problems)
    if not source.is_readable:
        return Parsed(None, problems)
    if source.data is None:
        return Parsed(
            None, [*problems, source.problem((), f"is empty; it needs {listed(required(model))}")]
        )
    try:
        return Parsed(model.model_validate(source.data, context={"languages": languages}), problems)
    except ValidationError as error:
        findings = [finding for finding in error.errors(include_url=False) if not _is_echo(finding)]
        # Words for more than are shown would cost more than reading the file.
        return Parsed(
            None,
            problems
            + [_problem(model, source, finding) for finding in findings[: MOST_PROBLEMS + 1]],
        )


def required(model: type[BaseModel]) -> list[str]:
    return [
        field.alias or name for name, field in model.model_fields.items() if field.is_required()
    ]


def _is_echo(finding: Mapping[str, Any]) -> bool:
    """pydantic counts only the valid entries of a list, and so calls it too short after naming what
    is wrong in it.
    """
    return finding["type"] == "too_short" and len(finding["input"]) >= finding["ctx"]["min_length"]


def _problem(model: type[BaseModel], source: Source, finding: Mapping[str, Any]) -> Problem:
    loc: Loc = tuple(part for part in finding["loc"] if part != "[key]")
    if finding["type"] == "extra_forbidden":
        sentence = unknown("key", loc[-1], _keys_at(model, loc[:-1]))
        return Problem(source.file, source.line(loc), source.problem(loc[:-1], sentence).message)
    if finding["type"] == "missing":
        return source.problem(loc[:-1], f"'{loc[-1]}' is missing")
    return source.problem(loc, _sentence(finding))


def _sentence(finding: Mapping[str, Any]) -> str:
    kind, given, details = finding["type"], finding["input"], finding.get("ctx", {})
    if given is None:
        return "is empty; write a value or leave the key out"
    if kind == "value_error":
        return str(details["error"])
    if kind == "literal_error":
        return unknown(
            "value", given, details["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        )
    example = given if isinstance(given, str) and given.strip() else "..."
    words = WORDS.get(kind)
    return words.format(input=given, example=example, **details) if words else finding["msg"]


def _keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that the mapping at `loc` may have."""
    shape: Any = model
    for part in loc:
        shape = _inside(_bare(shape), part)
    shape = _bare(shape)
    if not _is_model(shape):
        return []
    # what a place is for comes before the key that any place may have
    keys = [field.alias or name for name, field in shape.model_fields.items()]
    return sorted(keys, key=lambda key: key == "chosen_here")


def _inside(shape: Any, part: str | int) -> Any:
    if _is_model(shape):
        fields = {field.alias or name: field for name, field in shape.model_fields.items()}
        return fields[part].annotation if part in fields else None
    arguments = get_args(shape)
    if not arguments:
        return None
    return arguments[1] if get_origin(shape) is dict else arguments[0]


def _bare(shape: Any) -> Any:
    """Without `Annotated` and `| None` around it."""
    while get_origin(shape) in (Annotated, Union, types.UnionType):
        shape = next(argument for argument in get_args(shape) if argument is not type(None))
    return shape


def _is_model(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, BaseModel)
