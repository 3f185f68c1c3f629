"""study.yaml as frozen models: what each place must look like by itself. `checks` compares places
with each other.
"""

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from trial import contact_details
from trial.folder import (
    Code,
    Count,
    Day,
    Email,
    Entry,
    HeadingText,
    Line,
    Loc,
    Name,
    Number,
    Share,
    Text,
    Web,
    unknown,
)
from trial.rules import Facts, Rule, holds, names
from trial.sections.opening import Opening

Language = Literal["en", "nl"]


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value) or len(value) > 50:
        raise ValueError(
            f"'{value}' is no slug; use a-z, 0-9 and single '-' between them, at most 50"
        )
    return value


def _prefix(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2,3}", value):
        raise ValueError(f"'{value}' is no code prefix; use two or three capitals, such as SP")
    return value


def _country(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", value):
        raise ValueError(f"'{value}' is no country code; use two capitals (ISO 3166), such as NL")
    if not contact_details.has_numbers(
        value
    ):  # a phone number without a country code is one of this country
        raise ValueError(
            f"'{value}' is no country that has phone numbers; use its two capitals (ISO 3166), "
            f"such as GB"
        )
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(value: str) -> str:
    zones = _zones()
    if value not in zones:
        near = (
            unknown("time zone", value, sorted(zones))
            .partition("; known:")[0]
            .partition(" known:")[0]
        )
        raise ValueError(f"{near} use a name such as Europe/Amsterdam")
    return value


Slug = Annotated[str, AfterValidator(_slug)]


class Registration(Entry):
    registry: Line
    id: Line
    on: Day


class Site(Entry):
    code: Code
    name: Line


def _in_each(value: object, info: ValidationInfo) -> object:
    """A plain line serves every language."""
    languages = (info.context or {}).get("languages") or ("en",)
    return dict.fromkeys(languages, value) if isinstance(value, str) else value


Role = Annotated[Text, BeforeValidator(_in_each)]


class SafetyContact(Entry):
    name: Line
    role: Role
    email: Email
    phone: Line
    hours: Text


class TeamContact(Entry):
    name: Line
    email: Email
    phone: Line | None = None


class Contacts(Entry):
    """`safety` owns every alert. A folder loads without one; a study does not open without one."""

    safety: SafetyContact | None = None
    team: TeamContact


class CrisisLine(Entry):
    name: Name
    numbers: Annotated[tuple[Line, ...], Field(min_length=1)]
    hours: Text
    text: Text
    web: Web | None = None
    checked_on: Day


class Help(Entry):
    name: Text
    text: Text


class Page(Entry):
    """One screening page: questions, or one instrument."""

    code: Code
    questions: tuple[Code, ...] = ()
    instrument: Code | None = None

    @model_validator(mode="after")
    def check_one_kind(self) -> Self:
        if bool(self.questions) == bool(self.instrument):
            raise ValueError("a screening page has either questions or an instrument")
        return self


class Option(Entry):
    code: Code
    text: Text


class Question(Entry):
    """`label` names in few words what is asked, for tables; the text itself where there is none."""

    code: Code
    kind: Literal["number", "choice", "site"]
    text: Text
    label: Text | None = None
    min: Number | None = None
    max: Number | None = None
    options: tuple[Option, ...] = ()

    @model_validator(mode="after")
    def check_kind(self) -> Self:
        if self.kind == "choice" and len(self.options) < 2:
            raise ValueError("a choice needs at least two options")
        if self.kind != "choice" and self.options:
            raise ValueError(f"only a choice has options; this is kind: {self.kind}")
        if self.kind != "number" and (self.min is not None or self.max is not None):
            raise ValueError(f"only a number has min and max; this is kind: {self.kind}")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError("min must be below max")
        return self

    @property
    def name(self) -> dict[str, str]:
        return dict(self.label or self.text)

    @property
    def option_codes(self) -> tuple[str, ...]:
        return tuple(option.code for option in self.options)


class Criterion(Entry):
    """Checked after the screening page `after`; the first that does not hold turns a person away,
    in these words.

    `label` says in few words why somebody did not get in, for staff and the report. Whoever a
    `safety` criterion turns away cannot correct the answer.
    """

    code: Code
    label: Text | None = None
    after: Code
    rule: Rule
    turned_away: Text
    safety: bool = False

    @property
    def correctable(self) -> frozenset[str]:
        """The questions whose answer may be corrected by whoever it turned away; none where a score
        or an item counts.
        """
        named = names(self.rule)
        return frozenset() if self.safety or named.scores or named.items else named.answers


class Grant(Entry):
    """One thing an arm gives access to: an assessment schedule, a coaching protocol, or the
    programme.
    """

    assessments: Code | None = None
    coaching: Code | None = None
    programme: Code | None = None
    opens: Opening = Opening(anchor="granted")

    @model_validator(mode="after")
    def check_one_kind(self) -> Self:
        if sum(code is not None for code in (self.assessments, self.coaching, self.programme)) != 1:
            raise ValueError("a grant names exactly one of assessments, coaching, programme")
        return self

    @property
    def kind(self) -> Literal["assessments", "coaching", "programme"]:
        if self.assessments is not None:
            return "assessments"
        return "coaching" if self.coaching is not None else "programme"

    @property
    def code(self) -> str:
        return self.assessments or self.coaching or self.programme or ""


class Arm(Entry):
    code: Code
    name: Text
    description: Text
    grants: Annotated[tuple[Grant, ...], Field(min_length=1)]

    def granted(self, kind: str) -> tuple[Grant, ...]:
        return tuple(grant for grant in self.grants if grant.kind == kind)


class StageArm(Arm):
    """What an arm of a later randomisation gives beside what somebody has; to go on as before is to
    be given nothing.
    """

    grants: tuple[Grant, ...] = ()


class Stage(Entry):
    """A later randomisation of people who are in the study; who, when and how stands in
    randomisation.yaml.
    """

    code: Code
    arms: Annotated[tuple[StageArm, ...], Field(min_length=2)]


class Spread(Entry):
    mean: Number
    sd: Annotated[Number, Field(gt=0)]


class VirtualCoaches(Entry):
    """How virtual coaches differ, and what goes otherwise than planned.

    `sd` is that of what a coach adds to the outcomes of whoever they speak with, in baseline SDs:
    of two people of one coach the correlation is about sd² / (1 + sd²). The others are chances: of
    a rule not kept in a call that is held, of a log that is put right, and of a call that is due of
    going to another coach together with the person.
    """

    sd: Share
    deviation: Share
    correction: Share
    handed_over: Share


class Rehearsal(Entry):
    """How virtual people behave. Never read for a live study."""

    screened_out: Share
    study_dropout: dict[Code, Share]
    study_dropout_at: Code
    programme_stop: Share
    missed_call: Share
    coaches: VirtualCoaches | None = None
    arrival_days: Count
    baseline: dict[Code, Spread]
    change: dict[Code, Number]


class Study(Entry):
    slug: Slug
    public_slug: Slug
    code_prefix: Annotated[str, AfterValidator(_prefix)]
    title: Text
    public_title: HeadingText
    sender: HeadingText
    summary: Text
    registration: Registration | None = None
    sources: tuple[Line, ...] = ()
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    country: Annotated[str, AfterValidator(_country)]
    timezone: Annotated[str, AfterValidator(_timezone)]
    target: Count
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]
    contacts: Contacts
    crisis_lines: Annotated[tuple[CrisisLine, ...], Field(min_length=1)]
    help: Annotated[tuple[Help, ...], Field(min_length=1)]
    screening: Annotated[tuple[Page, ...], Field(min_length=1)]
    questions: tuple[Question, ...] = ()
    eligibility: tuple[Criterion, ...] = ()
    arms: Annotated[tuple[Arm, ...], Field(min_length=2)]
    stages: tuple[Stage, ...] = ()
    rehearsal: Rehearsal | None = None

    def criterion(self, code: str) -> Criterion | None:
        return next((criterion for criterion in self.eligibility if criterion.code == code), None)

    def question(self, code: str) -> Question | None:
        return next((question for question in self.questions if question.code == code), None)

    def arm(self, code: str) -> Arm | None:
        """An arm of the study, or of one of its stages."""
        return next((arm for _, arm in self.giving() if arm.code == code), None)

    def stage(self, code: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.code == code), None)

    def giving(self) -> Iterator[tuple[Loc, Arm]]:
        """Everything that gives access, and where it stands: the arms, then the arms of the
        stages.
        """
        yield from ((("arms", number), arm) for number, arm in enumerate(self.arms))
        for place, stage in enumerate(self.stages):
            yield from (
                (("stages", place, "arms", number), arm) for number, arm in enumerate(stage.arms)
            )

    def options_of(self, question: Question) -> tuple[str, ...]:
        """The codes that can be answered to a question of kind choice or site."""
        return (
            question.option_codes
            if question.kind == "choice"
            else tuple(site.code for site in self.sites)
        )

    def admitting(self, question: Question) -> tuple[str, ...]:
        """The options of a choice that may let somebody in, as far as this answer alone decides."""
        return tuple(code for code in question.option_codes if not self._turns_away(question, code))

    def _turns_away(self, question: Question, option: str) -> bool:
        facts = Facts(answers={question.code: option})
        return any(holds(criterion.rule, facts) is False for criterion in self.eligibility)

    def site_of(self, given: str) -> str:
        """The code of somebody's site: where there is one site only, nobody is asked for it."""
        return given or (self.sites[0].code if len(self.sites) == 1 else "")

    @property
    def arm_codes(self) -> tuple[str, ...]:
        return tuple(arm.code for arm in self.arms)

    @property
    def question_codes(self) -> tuple[str, ...]:
        return tuple(question.code for question in self.questions)

    @property
    def screened_questions(self) -> tuple[str, ...]:
        return tuple(code for page in self.screening for code in page.questions)

    def may_ask(self, code: str, also: Collection[str] = ()) -> bool:
        """Whether a question is asked in the screening or is among `also`.

        A page that names a question which does not exist may have meant this one, so it gets the
        benefit of the doubt.
        """
        return code in (*self.screened_questions, *also) or not set(self.screened_questions) <= set(
            self.question_codes
        )

    @property
    def screened_instruments(self) -> tuple[str, ...]:
        return tuple(page.instrument for page in self.screening if page.instrument)
