"""Who began, how far they came, who had enough by the plan's own rule, and how long they went
on.
"""

from ..dataset import Dataset
from ..plan import AnalysisPlan
from ..statistics.descriptives import describe
from .curves import curve
from .number import Number, Numbers, ident, number_of
from .retention import curve_numbers, risk_numbers
from .shares import count_and_share

DAYS_OF_USE = (7, 14, 28, 42, 56)


def numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    if data.usage is None and data.module_use is None:
        return
    for group in data.groups:
        codes = with_access(data, group)
        yield Number(
            ident("adherence", group, "access"),
            len(codes),
            unit="people",
            method="count, given the programme",
        )
        if codes:
            yield from _modules(data, plan, group, codes)
            yield from _use(data, plan, group, codes)


def with_access(data: Dataset, group: str) -> set[str]:
    """The people of a group who have been given the programme."""
    rows = data.usage if data.usage is not None else data.module_use or ()
    given = {row.participant for row in rows}
    return {person.code for person in data.people(group) if person.code in given}


def _modules(data: Dataset, plan: AnalysisPlan, group: str, codes: set[str]) -> Numbers:
    if data.module_use is None or data.modules is None:
        return
    rows = [row for row in data.module_use if row.participant in codes]
    opened = {row.participant for row in rows if row.opened_at is not None}
    yield from count_and_share(
        ident("adherence", group, "started"),
        len(opened),
        len(codes),
        plan.confidence,
        "opened any module",
    )
    for module in data.modules:
        mine = [row for row in rows if row.module == module.code]
        for word, n in (
            ("opened", sum(row.opened_at is not None for row in mine)),
            ("completed", sum(row.completed_at is not None for row in mine)),
        ):
            yield from count_and_share(
                ident("module", module.code, group, word),
                n,
                len(codes),
                plan.confidence,
                f"{word} the module",
            )
    done = {
        code: sum(row.completed_at is not None for row in rows if row.participant == code)
        for code in sorted(codes)
    }
    d = describe(list(done.values()), plan.confidence)
    yield Number(
        ident("adherence", group, "modules"),
        d.mean,
        d.lower,
        d.upper,
        d.n,
        "modules",
        "mean completed",
    )
    everything = sum(n >= len(data.modules) for n in done.values())
    yield from count_and_share(
        ident("adherence", group, "finished"),
        everything,
        len(codes),
        plan.confidence,
        "completed every module",
    )
    if plan.adherence:
        enough = sum(n >= plan.adherence.at_least for n in done.values())
        method = f"completed at least {number_of(plan.adherence.at_least, 'module')}"
        yield from count_and_share(
            ident("adherence", group, "adherent"), enough, len(codes), plan.confidence, method
        )


def _use(data: Dataset, plan: AnalysisPlan, group: str, codes: set[str]) -> Numbers:
    if data.usage is None:
        return
    last = [
        row.last_use_at - row.access_at
        for row in data.usage
        if row.participant in codes and row.last_use_at is not None
    ]
    d = describe(last, plan.confidence)
    opened = describe(
        [row.access_at for row in data.usage if row.participant in codes], plan.confidence
    )
    how = "median of the opening since randomisation"
    yield Number(
        ident("adherence", group, "opened"),
        opened.median,
        n=opened.n,
        unit=data.time_unit,
        method=how,
    )
    method = "median of the last use since access, among those who used it"
    yield Number(
        ident("adherence", group, "last_use"), d.median, n=d.n, unit=data.time_unit, method=method
    )
    found = curve(data, "use", group, plan.confidence)
    if found is not None:
        yield from curve_numbers(
            "use", group, found, {f"d{day}": day for day in DAYS_OF_USE}, data.time_unit
        )
        yield from risk_numbers(data, "use", group, found)
