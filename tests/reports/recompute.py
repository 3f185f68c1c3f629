"""Recompute a report from an export: `python -P recompute.py EXPORT.zip results.json`.

Imports nothing of the project. Everything is worked out again from the CSV files and plan.json, by
other means where there are any (statsmodels for the regression, scipy for Wilson's interval, the
statistics module for means and SDs), and compared with every number of results.json. Exit status 1
names what differs. With -P the tests' folder statistics beside the script does not hide Python's
own module of that name.
"""

import csv
import io
import json
import math
import statistics
import sys
import zipfile
from collections import Counter, defaultdict
from datetime import date
from itertools import combinations

import numpy as np
import statsmodels.api as sm
from scipy import special, stats

TOLERANCE = 1e-9
IDLE = 14
USE_DAYS = (7, 14, 28, 42, 56)
PLAIN = {
    *(
        "participant",
        "site",
        "language",
        "state",
        "began_on",
        "consented_on",
        "randomised_on",
        "left_on",
    ),
    *(
        "left_stage",
        "left_reason",
        "corrected_page",
        "simulated",
        "programme_stopped_on",
        "programme_stop_reason",
        "completed_on",
    ),
}


class Export:
    def __init__(self, path):
        with zipfile.ZipFile(path) as bundle:
            read = {name: bundle.read(name).decode() for name in bundle.namelist()}
        self.tables = {
            n[:-4]: list(csv.DictReader(io.StringIO(t)))
            for n, t in read.items()
            if n.endswith(".csv")
        }
        self.plan = json.loads(read["plan.json"])
        self.arm_of = {row["participant"]: row["arm"] for row in self.tables.get("allocations", [])}
        self.is_pooled = "allocations" not in self.tables
        self.people = sorted(
            (p for p in self.tables["participants"] if p["randomised_on"]),
            key=lambda p: p["randomised_on"],
        )
        self.start = {p["participant"]: day(p["randomised_on"]) for p in self.people}
        self.arms = (
            ["all"]
            if self.is_pooled
            else list(dict.fromkeys(a for pair in self.plan["contrasts"] for a in pair))
        )
        self.rows = {
            (r["participant"], r["instrument"], r["timepoint"]): r
            for r in self.tables["assessments"]
            if r["participant"] in self.start
        }
        self.points = {r["timepoint"]: float(r["day"]) for r in self.tables["timepoints"]}
        self.baseline = next(
            r["timepoint"] for r in self.tables["timepoints"] if r["is_baseline"] == "yes"
        )
        self.instruments = {r["instrument"]: r for r in self.tables["instruments"]}
        self.rows |= self.nested()
        self.kinds = {
            r["column"]: r for r in self.tables["codebook"] if r["table"] == "participants"
        }
        self.pairs = [] if self.is_pooled else [tuple(pair) for pair in self.plan["contrasts"]]

    def nested(self):
        """Baseline scores made of nested ones, for questionnaires that were not asked by themselves
        at baseline.
        """
        values = {
            (r["participant"], f"{r['instrument']}.{r['score']}"): r["value"]
            for r in self.tables["scores"]
            if r["timepoint"] == self.baseline
        }
        own = {i for _, i, t in self.rows if t == self.baseline}
        found = {}
        for code, line in self.instruments.items():
            parts = line["sum_of"].split()
            for p in self.start if parts and code not in own else ():
                given = [values.get((p, part), "") for part in parts]
                if "" not in given:
                    value = str(sum(float(each) for each in given))
                    found[p, code, self.baseline] = {
                        "score": value,
                        "state": "submitted",
                        "opens_on": "",
                    }
        return found

    def of(self, arm):
        return [p for p in self.people if arm == "all" or self.arm_of[p["participant"]] == arm]

    def score(self, person, instrument, timepoint):
        row = self.rows.get((person["participant"], instrument, timepoint))
        return number(row["score"]) if row else None

    def since(self, code, text):
        return (day(text) - self.start[code]).days if text else None


def day(text):
    return date.fromisoformat(text)


def number(text):
    return float(text) if text != "" else None


def recompute(export):
    """Every number that can be worked out, by id: (value, lower, upper)."""
    found = {"plan.confidence": (export.plan["confidence"],), "data.idle_after": (IDLE,)}
    parts = (flow, baseline, means, differences, changes, lessons, retention, intercurrent, calls)
    for part in parts:
        for id, *values in part(export):
            assert id not in found, id
            found[id] = tuple(values)
    return found


# --- flow -------------------------------------------------------------------------------------------------------------  # noqa: E501


def flow(x):
    everybody = x.tables["participants"]
    out = Counter(why_out(p) for p in everybody if not p["randomised_on"])
    yield "flow.all.assessed", len(everybody)
    yield from reasons("flow.all.excluded", "", out)
    yield "flow.all.randomised", len(x.people)
    together = Counter()
    for arm in x.arms:
        for id, n in arm_flow(x, arm):
            yield f"flow.{arm}.{id}", n
            together[id] += n
    if not x.is_pooled:
        yield from ((f"flow.all.{id}", n) for id, n in together.items())


def why_out(p):
    if p["state"] == "excluded":
        return (
            f"stopped_at_{p['left_stage']}" if p["left_reason"] == "stopped" else p["left_reason"]
        )
    return "withdrew_before_allocation" if p["state"] == "withdrawn" else "not_yet_randomised"


def reasons(stage, outcome, counted):
    end = f".{outcome}" if outcome else ""
    yield stage + end, sum(counted.values())
    for reason, n in counted.items():
        yield f"{stage}{end}.{reason.replace(' ', '_')}", n


def arm_flow(x, arm):
    people = x.of(arm)
    yield "allocated", len(people)
    if not x.is_pooled:
        late = Counter(why_not_begun(x, p) for p in people if not began(x, p))
        yield "received", len(people) - sum(late.values())
        yield from reasons("not_received", "", late)
        if has_programme(x, arm) and not waits(x, arm):
            stops = [
                p["programme_stop_reason"] or "no_reason"
                for p in people
                if p["programme_stopped_on"]
            ]
            yield from reasons("discontinued", "", Counter(stops))
    for outcome in x.plan["primary"]:
        yield from followed(x, people, outcome["instrument"], outcome["timepoint"])


def has_programme(x, arm):
    return any(x.arm_of.get(r["participant"]) == arm for r in x.tables.get("programme", []))


def waits(x, arm):
    """Whether the programme opened to nobody of the arm on the day of allocation, yet later to
    somebody.
    """
    rows = [r for r in x.tables.get("programme", []) if x.arm_of.get(r["participant"]) == arm]
    return bool(rows) and all(r["opened_on"] != str(x.start[r["participant"]]) for r in rows)


def began(x, p):
    code = p["participant"]
    used = any(r["begun_on"] for r in x.tables.get("programme", []) if r["participant"] == code)
    talked = any(
        c["state"] == "held" for c in x.tables.get("contacts", []) if c["participant"] == code
    )
    return not any(offers(x, x.arm_of[code])) or used or talked


def offers(x, arm):
    """Whether modules open to people of the arm on the day of allocation, and whether calls are
    planned with them.
    """

    def of_arm(name):
        rows = x.tables.get(name, [])
        return [
            r for r in rows if r["participant"] in x.start and x.arm_of[r["participant"]] == arm
        ]

    modules = any(r["opened_on"] == str(x.start[r["participant"]]) for r in of_arm("programme"))
    return modules, bool(of_arm("contacts"))


def why_not_begun(x, p):
    if p["state"] == "withdrawn":
        return "withdrawn"
    if p["programme_stopped_on"]:
        return "stopped_before_beginning"
    modules, calls = offers(x, x.arm_of[p["participant"]])
    return "_".join(["no_module"] * modules + ["no_call"] * calls)


def followed(x, people, instrument, timepoint):
    lost, left_out, analysed, pending = Counter(), Counter(), 0, 0
    for p in people:
        row = x.rows.get((p["participant"], instrument, timepoint))
        if row and standing(row) == "pending":
            pending += 1
        elif row is None and p["state"] != "withdrawn":
            left_out["not_planned"] += 1
        elif row is None or row["score"] == "":
            lost[why_lost(x, p, row)] += 1
        elif x.score(p, instrument, x.baseline) is None:
            left_out["no_baseline"] += 1
        elif any(p[code] == "" for code in x.plan["covariates"]):
            left_out["no_covariate"] += 1
        else:
            analysed += 1
    outcome = f"{instrument}.{timepoint}"
    yield from reasons("lost", outcome, lost)
    if pending:
        yield f"pending.{outcome}", pending
    yield from reasons("left_out", outcome, left_out)
    yield f"analysed.{outcome}", analysed


def standing(row):
    known = {
        "submitted": "answered",
        "declined": "declined",
        "missed": "missed",
        "withdrawn": "withdrawn",
    }
    return known.get(row["state"], "pending")


def why_lost(x, p, row):
    if p["state"] == "withdrawn":
        at = row and (row["submitted_on"] or row["opens_on"])
        if row is None or row["state"] == "withdrawn" or not at or p["left_on"] <= at:
            return p["left_reason"] or "withdrawn"
    return "not_scorable" if standing(row) == "answered" else standing(row)


# --- baseline and means -----------------------------------------------------------------------------------------------  # noqa: E501


def mean_of(values, confidence):
    """(mean, lower, upper), (sd,), (n,)"""
    n = len(values)
    if not n:
        return (None, None, None), (None,), (0,)
    mean = math.fsum(values) / n
    if n == 1:
        return (mean, None, None), (None,), (1,)
    sd = statistics.stdev(values)
    if sd == 0:  # exact, as `statistics` adds up in fractions
        return (mean, None, None), (sd,), (n,)
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * sd / math.sqrt(n)
    return (mean, mean - half, mean + half), (sd,), (n,)


def share_of(count, n, confidence):
    if not n:
        return None, None, None
    interval = stats.binomtest(count, n).proportion_ci(confidence, method="wilson")
    return count / n, interval.low, interval.high


def baseline(x):
    level = x.plan["confidence"]
    for column, line in x.kinds.items():
        if column == "site" or column not in PLAIN:
            values = {arm: [p[column] for p in x.of(arm) if p[column] != ""] for arm in x.arms}
            if column == "site":
                values, line = centres(values, line)
            if line["type"] == "number":
                yield from spread(
                    x,
                    column,
                    {arm: [float(v) for v in found] for arm, found in values.items()},
                    level,
                )
            else:
                yield from choice(x, column, line, values, level)
    for code in x.instruments:
        scores = {
            arm: [s for p in x.of(arm) if (s := x.score(p, code, x.baseline)) is not None]
            for arm in x.arms
        }
        if any(scores.values()):
            yield from spread(x, code, scores, level)


def centres(values, line):
    """Where there are more than four, the three largest by name and the others together."""
    if len(line["values"].split("; ")) <= 4:
        return values, line
    sizes = Counter(site for found in values.values() for site in found)
    kept = sorted(sizes, key=lambda site: (-sizes[site], site))[:3]
    together = {
        arm: [v if v in kept else "other_sites" for v in found] for arm, found in values.items()
    }
    return together, {**line, "values": "; ".join((*kept, "other_sites"))}


def spread(x, code, values, level):
    for arm, found in values.items():
        for word, given in zip(("mean", "sd", "n"), mean_of(found, level), strict=True):
            yield f"baseline.{code}.{arm}.{word}", *given
    for first, second in x.pairs:
        a, b = values[first], values[second]
        value = None
        if len(a) > 1 and len(b) > 1:
            size = math.sqrt((statistics.variance(a) + statistics.variance(b)) / 2)
            value = (statistics.fmean(a) - statistics.fmean(b)) / size if size else None
        yield f"baseline.{code}.smd.{first}-{second}", value


def choice(x, code, line, values, level):
    named = [part.split(" = ")[0] for part in line["values"].split("; ") if part]
    levels = [*named, *sorted({v for found in values.values() for v in found} - set(named))]
    for arm, found in values.items():
        yield f"baseline.{code}.{arm}.n", len(found)
        for each in levels:
            n = found.count(each)
            yield f"baseline.{code}.{each}.{arm}.count", n
            yield f"baseline.{code}.{each}.{arm}.share", *share_of(n, len(found), level)
    for first, second in x.pairs:
        yield (
            f"baseline.{code}.smd.{first}-{second}",
            distance(values[first], values[second], levels),
        )


def distance(a, b, levels):
    """Yang and Dalton 2012, over the levels that anybody has, without the first of them."""
    seen = [each for each in levels if each in a or each in b]
    if not a or not b or len(seen) < 2:
        return None
    p, q = (np.array([found.count(each) / len(found) for each in seen[1:]]) for found in (a, b))
    spread_of = sum(np.diag(r) - np.outer(r, r) for r in (p, q)) / 2
    if np.linalg.matrix_rank(spread_of) < len(p):
        return None
    return float(math.sqrt((p - q) @ np.linalg.inv(spread_of) @ (p - q)))


def asked(x):
    """(instrument, timepoint) at which anybody randomised has a row, in order."""
    keys = {(i, t) for _, i, t in x.rows}
    return [(i, t) for i in x.instruments for t in x.points if (i, t) in keys]


def means(x):
    for instrument, timepoint in asked(x):
        for arm in x.arms:
            scores = [s for p in x.of(arm) if (s := x.score(p, instrument, timepoint)) is not None]
            for word, given in zip(
                ("mean", "sd", "n"), mean_of(scores, x.plan["confidence"]), strict=True
            ):
                yield f"{word}.{instrument}.{timepoint}.{arm}", *given


# --- differences ------------------------------------------------------------------------------------------------------  # noqa: E501


def differences(x):
    tests, untested = {}, set()
    for instrument, timepoint in asked(x):
        if timepoint == x.baseline or not x.pairs:
            continue
        fitted = ancova(x, instrument, timepoint)
        for pair in x.pairs:
            for id, *values in contrast(x, instrument, timepoint, pair, fitted):
                yield id, *values
                if id.startswith("p."):
                    tests[id] = values[0]
                if id.startswith("difference.") and values[0] is None:
                    untested.add(id.removeprefix("difference."))
    if x.plan["multiplicity"] == "holm" and not x.is_pooled:
        yield from holm(x, tests, untested)


def holm(x, tests, untested):
    """Over every planned contrast of every primary outcome; one without a p counts as 1."""
    outcomes = [f"{each['instrument']}.{each['timepoint']}" for each in x.plan["primary"]]
    family = [f"p.{outcome}.{a}-{b}" for outcome in outcomes for a, b in x.plan["contrasts"]]
    if len(family) == 1:
        return
    yield "holm.tests", len(family)
    largest = 0.0
    for rank, id in enumerate(sorted(family, key=lambda id: tests.get(id, 1.0))):
        largest = max(largest, min(1.0, (len(family) - rank) * tests.get(id, 1.0)))
        if id in tests or id[2:] in untested:
            yield "p_holm" + id[1:], largest


def ancova(x, instrument, timepoint):
    """The fit of statsmodels, and the names of its columns; None where it cannot be."""
    rows = []
    for p in x.people:
        y, before = x.score(p, instrument, timepoint), x.score(p, instrument, x.baseline)
        if (
            y is not None
            and before is not None
            and all(p[code] != "" for code in x.plan["covariates"])
        ):
            rows.append((y, before, p))
    if not rows:
        return None
    columns = {"constant": [1.0] * len(rows), "before": [before for _, before, _ in rows]}
    for code in x.plan["covariates"]:
        found = [p[code] for _, _, p in rows]
        if x.kinds[code]["type"] == "number":
            columns[code] = [float(v) for v in found]
        else:
            columns |= {
                f"{code}={v}": [float(each == v) for each in found] for v in sorted(set(found))[1:]
            }
    mine = [x.arm_of[p["participant"]] for _, _, p in rows]
    columns |= {f"arm={a}": [float(each == a) for each in mine] for a in sorted(set(mine))[1:]}
    design = np.column_stack(list(columns.values()))
    if (
        len(rows) <= design.shape[1]
        or np.linalg.matrix_rank(design / np.linalg.norm(design, axis=0)) < design.shape[1]
    ):
        return None
    return sm.OLS([y for y, _, _ in rows], design).fit(), list(columns), Counter(mine)


def contrast(x, instrument, timepoint, pair, fitted):
    where = f"{instrument}.{timepoint}.{pair[0]}-{pair[1]}"
    if fitted is None or not all(fitted[2][arm] for arm in pair):
        yield f"difference.{where}", None
        return
    fit, names, counted = fitted
    weights = np.array(
        [(name == f"arm={pair[0]}") * 1.0 - (name == f"arm={pair[1]}") * 1.0 for name in names]
    )
    test = fit.t_test(weights)
    lower, upper = test.conf_int(alpha=1 - x.plan["confidence"])[0]
    estimate, se, n = float(test.effect[0]), float(test.sd[0][0]), sum(counted.values())
    yield f"difference.{where}", estimate, float(lower), float(upper)
    yield f"difference_n.{where}", n
    yield f"p.{where}", float(test.pvalue)
    yield from standardised(x, instrument, timepoint, pair, where, estimate, se)


def standardised(x, instrument, timepoint, pair, where, estimate, se):
    at = x.baseline if x.plan["standardiser"] == "baseline_sd" else timepoint
    groups = [
        [s for p in x.of(arm) if (s := x.score(p, instrument, at)) is not None] for arm in pair
    ]
    n, df = sum(map(len, groups)), sum(len(g) - 1 for g in groups)
    sd = math.sqrt(sum(statistics.variance(g) * (len(g) - 1) for g in groups) / df)
    yield f"effect_sd.{where}", sd
    yield f"effect_sd_n.{where}", n
    j = (
        special.gamma((n - 2) / 2) / (math.sqrt((n - 2) / 2) * special.gamma((n - 3) / 2))
        if n < 300
        else None
    )
    if j is None:
        j = math.exp(special.gammaln((n - 2) / 2) - special.gammaln((n - 3) / 2)) / math.sqrt(
            (n - 2) / 2
        )
    d = estimate / sd
    half = stats.norm.ppf((1 + x.plan["confidence"]) / 2) * math.sqrt(
        (se / sd) ** 2 + d * d / (2 * n)
    )
    yield f"effect.{where}", d * j, d * j - half, d * j + half


def changes(x):
    for code, line in x.instruments.items():
        bar = number(line["change_points"])
        if bar is None and line["change_sd"]:
            bar = (
                1.96
                * float(line["change_sd"])
                * math.sqrt(2)
                * math.sqrt(1 - float(line["change_reliability"]))
            )
        if bar is None:
            continue
        yield f"reliable_change.{code}", bar
        for instrument, timepoint in asked(x):
            if instrument == code and timepoint != x.baseline:
                yield from changed(
                    x, code, timepoint, bar, 1 if line["direction"] == "higher_worse" else -1
                )


def changed(x, code, timepoint, bar, sign):
    for arm in x.arms:
        both = [(x.score(p, code, x.baseline), x.score(p, code, timepoint)) for p in x.of(arm)]
        gains = [sign * (a - b) for a, b in both if a is not None and b is not None]
        where = f"reliable.{code}.{timepoint}.{arm}"
        for word, n in (
            ("improved", sum(g >= bar for g in gains)),
            ("deteriorated", sum(g <= -bar for g in gains)),
        ):
            yield f"{where}.{word}.count", n
            yield f"{where}.{word}.share", *share_of(n, len(gains), x.plan["confidence"])
        yield f"{where}.n", len(gains)


# --- time -------------------------------------------------------------------------------------------------------------  # noqa: E501


def kaplan_meier(durations, confidence):
    """[(time, share left, lower, upper, anybody stopped)]"""
    z, survival, variance, steps = stats.norm.ppf((1 + confidence) / 2), 1.0, 0.0, []
    for time in sorted({t for t, _ in durations}):
        at_risk = sum(t >= time for t, _ in durations)
        ended = sum(t == time and e for t, e in durations)
        survival *= (at_risk - ended) / at_risk
        if at_risk > ended:
            variance += ended / (at_risk * (at_risk - ended))
        lower = upper = 1.0
        if survival <= TOLERANCE:
            survival, lower, upper = 0.0, None, None
        elif survival < 1 - 1e-15:
            wide = z * math.sqrt(variance) / abs(math.log(survival))
            lower, upper = survival ** math.exp(wide), survival ** math.exp(-wide)
        steps.append((time, survival, lower, upper, ended))
    return steps


def half_gone(steps, column):
    for i, step in enumerate(steps):
        if step[column] is None:
            return None
        if abs(step[column] - 0.5) < TOLERANCE:
            later = [s[0] for s in steps[i + 1 :] if s[4]]
            return (step[0] + later[0]) / 2 if later else step[0]
        if step[column] < 0.5:
            return step[0]
    return None


def curve(prefix, durations, times, confidence):
    steps = kaplan_meier(durations, confidence)
    yield f"{prefix}.n", len(durations)
    yield f"{prefix}.ended", sum(e for _, e in durations)
    yield f"{prefix}.median", half_gone(steps, 1), half_gone(steps, 2), half_gone(steps, 3)
    for name, time in times.items():
        yield f"{prefix}.at.{name}", *share_left(steps, time, durations, confidence)


def at_risk(prefix, durations, everybody):
    """The people still followed at each tick: 0 and whole steps up to past the end of the longest
    curve.
    """
    end = max((t for t, _ in everybody), default=0)
    step = next((s for s in (1, 7, 14, 28, 56, 112) if end <= 9 * s), 224)
    tick = 0
    while end > 0:
        yield f"{prefix}.at_risk.d{tick}", len([t for t, _ in durations if t >= tick])
        if tick > end:
            break
        tick += step


def share_left(steps, time, durations, confidence):
    """Nothing is known after the last person followed, unless by then all had stopped. Before
    anybody has stopped the limit is that share under which all who are still followed stay with a
    chance of half of what is left of the confidence.
    """
    if time is None or (time > steps[-1][0] and steps[-1][1] > 0):
        return None, None, None
    reached = [s for s in steps if s[0] <= time]
    if time > 0 and all(s[1] >= 1 - 1e-15 for s in reached):
        return 1.0, ((1 - confidence) / 2) ** (1 / sum(t >= time for t, _ in durations)), 1.0
    return reached[-1][1:4] if reached else (1.0, 1.0, 1.0)


def retention(x):
    """From the day on which each time point opened to each person; the plan's day only where none
    is told.
    """
    state = defaultdict(list)
    for (code, _, timepoint), row in x.rows.items():
        state[code, timepoint].append(standing(row))
    found = {}
    for arm in x.arms:
        codes = [p["participant"] for p in x.of(arm)]
        times = {t: latest(x, codes, t) for t in x.points if t != x.baseline}
        found[arm] = codes, times, [stay(x, p, times, state) for p in x.of(arm)]
    everybody = [one for _, _, durations in found.values() for one in durations]
    for arm, (codes, times, durations) in found.items():
        if durations:
            had = {t for code, _, t in x.rows if code in codes}
            at = {t: time if t in had else None for t, time in times.items()}
            yield from curve(f"retention.{arm}", durations, at, x.plan["confidence"])
            yield from at_risk(f"retention.{arm}", durations, everybody)


def latest(x, codes, timepoint):
    """The last day on which it opened to anybody of these people to whom it did open."""
    told = [
        x.since(code, row["opens_on"])
        for (code, _, t), row in x.rows.items()
        if t == timepoint
        and code in codes
        and standing(row) not in ("pending", "withdrawn")
        and row["opens_on"]
    ]
    return float(max(told)) if told else x.points[timepoint]


def own_day(x, code, timepoint):
    """The day on which it opened to this person."""
    days = [
        x.since(code, r["opens_on"])
        for (c, _, t), r in x.rows.items()
        if (c, t) == (code, timepoint)
    ]
    return next((float(day) for day in days if day is not None), None)


def stay(x, p, times, state):
    code = p["participant"]
    if p["state"] == "withdrawn":
        return float(x.since(code, p["left_on"])), True
    due = [t for t in times if any(s != "pending" for s in state[code, t])]
    answered = [i for i, t in enumerate(due) if "answered" in state[code, t]]
    after = answered[-1] + 1 if answered else 0
    if after < len(due):
        own = own_day(x, code, due[after])
        return x.points[due[after]] if own is None else own, True
    return (times[due[-1]] if due else 0.0), False


def lessons(x):
    level, least = x.plan["confidence"], x.plan["adherence"] and x.plan["adherence"]["at_least"]
    if least:
        yield "plan.adherence.at_least", least
    if "programme" not in x.tables:
        return
    found = {}
    for arm in x.arms:
        mine = found[arm] = defaultdict(list)
        codes = {p["participant"] for p in x.of(arm)}
        for row in x.tables["programme"]:
            if row["participant"] in codes:
                mine[row["participant"]].append(row)
    clocks = {arm: [time_in_use(rows) for rows in mine.values()] for arm, mine in found.items()}
    for arm, mine in found.items():
        yield f"adherence.{arm}.access", len(mine)
        if mine:
            yield from modules(x, arm, mine, level, least)
            yield from use(arm, x.start, mine, clocks[arm], level)
            yield from at_risk(
                f"use.{arm}", clocks[arm], [one for each in clocks.values() for one in each]
            )


def modules(x, arm, mine, level, least):
    n = len(mine)
    done = [sum(r["done_on"] != "" for r in rows) for rows in mine.values()]
    counts = {
        "started": sum(any(r["begun_on"] for r in rows) for rows in mine.values()),
        "finished": sum(d >= len(x.tables["modules"]) for d in done),
    }
    if least:
        counts["adherent"] = sum(d >= least for d in done)
    counted = {f"adherence.{arm}.{word}": count for word, count in counts.items()}
    for module in (r["module"] for r in x.tables["modules"]):
        for word, column in (("opened", "begun_on"), ("completed", "done_on")):
            of_module = [r for rows in mine.values() for r in rows if r["module"] == module]
            counted[f"module.{module}.{arm}.{word}"] = sum(r[column] != "" for r in of_module)
    for id, count in counted.items():
        yield f"{id}.count", count
        yield f"{id}.share", *share_of(count, n, level)
    yield f"adherence.{arm}.modules", *mean_of(done, level)[0]


def last_use(rows):
    return max((day(r["last_used_on"]) for r in rows if r["last_used_on"]), default=None)


def time_in_use(rows):
    """(days since the programme opened, whether they stopped then) of one person."""
    opened, last = day(rows[0]["opened_on"]), last_use(rows)
    if rows[0]["finished_on"]:
        return float(max(0, (day(rows[0]["finished_on"]) - opened).days)), False
    idle = (day(rows[0]["known_until"]) - (last or opened)).days
    return float(max(0, ((last or opened) - opened).days)), idle > IDLE


def use(arm, start, mine, durations, level):
    opened = [(day(rows[0]["opened_on"]) - start[code]).days for code, rows in mine.items()]
    yield f"adherence.{arm}.opened", statistics.median(opened)
    last_days = [
        (last - day(rows[0]["opened_on"])).days
        for rows in mine.values()
        if (last := last_use(rows))
    ]
    yield f"adherence.{arm}.last_use", statistics.median(last_days) if last_days else None
    yield from curve(f"use.{arm}", durations, {f"d{d}": d for d in USE_DAYS}, level)


def calls(x):
    if "contacts" not in x.tables:
        return
    for arm in x.arms:
        codes = {p["participant"] for p in x.of(arm)}
        rows = [r for r in x.tables["contacts"] if r["participant"] in codes]
        held = [r for r in rows if r["state"] == "held"]
        minutes = [float(r["minutes"]) for r in held if r["minutes"] != ""]
        people = len({r["participant"] for r in rows})
        yield f"contacts.{arm}.people", people
        yield f"contacts.{arm}.planned", len(rows)
        yield f"contacts.{arm}.attempted", sum(int(r["attempts"]) > 0 for r in rows)
        yield f"contacts.{arm}.attempts", sum(int(r["attempts"]) for r in rows)
        yield f"contacts.{arm}.held", len(held)
        yield f"contacts.{arm}.minutes", sum(minutes)
        yield f"contacts.{arm}.minutes_each", mean_of(minutes, 0.95)[0][0]
        yield f"contacts.{arm}.minutes_each_sd", mean_of(minutes, 0.95)[1][0]
        yield f"contacts.{arm}.held_each", len(held) / people if people else None
    yield from coaches(x)


def coaches(x):
    people = {p["participant"] for arm in x.arms for p in x.of(arm)}
    mine, calls_, tries = (
        [r for r in x.tables[name] if r["participant"] in people]
        for name in ("coach_assignments", "contacts", "attempts")
    )
    tries = [r for r in tries if r["outcome"] != ""]
    for coach in {r["coach"] for r in (*mine, *tries)}:
        own = [r for r in tries if r["coach"] == coach]
        held = [r for r in calls_ if r["state"] == "held" and r["coach"] == coach]
        minutes = [float(r["minutes"]) for r in held if r["minutes"] != ""]
        spoken = [r for r in own if r["outcome"] == "reached"]
        asked = sum(int(r["steps_required"]) for r in spoken)
        done = sum(len(r["steps"].split()) for r in spoken)
        yield f"coach.{coach}.people", len({r["participant"] for r in mine if r["coach"] == coach})
        yield f"coach.{coach}.held", len(held)
        yield f"coach.{coach}.minutes_each", mean_of(minutes, 0.95)[0][0]
        yield f"coach.{coach}.steps", done / asked if asked else None
        yield f"coach.{coach}.deviations", sum(len(r["deviations"].split()) for r in own)
        yield f"coach.{coach}.corrections", sum(int(r["corrections"]) for r in own)


def intercurrent(x):
    enough = x.plan["contacts"]
    if enough:
        yield "plan.contacts.at_least", enough["at_least"]
    events = ["allocation_forced", "consent_withdrawn"]
    if "programme" in x.tables:
        events.append("programme_stopped")
    if "contacts" in x.tables and enough:
        events.append("too_few_contacts")
    for arm in x.arms if "intercurrent_events" in x.tables else ():
        codes = {p["participant"] for p in x.of(arm)}
        for event in events:
            rows = x.tables["intercurrent_events"]
            had = {r["participant"] for r in rows if r["event"] == event} & codes
            yield f"intercurrent.{arm}.{event}", len(had)


# --- comparison -------------------------------------------------------------------------------------------------------  # noqa: E501


def compare(results, found):
    """What differs, or was not recomputed, a line each."""
    for each in results["numbers"]:
        if each["id"] not in found:
            yield f"{each['id']}: not recomputed"
            continue
        values = found[each["id"]]
        for part, value in zip(("value", "lower", "upper"), values, strict=False):
            if not same(each[part], value):
                yield f"{each['id']} {part}: reported {each[part]!r}, recomputed {value!r}"


def same(a, b):
    if a is None or b is None:
        return a is b
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a))


def boxes(results):
    """Every box of the flow that is not the one before it minus what left."""
    n = {each["id"]: each["value"] for each in results["numbers"]}
    if n["flow.all.assessed"] != n["flow.all.excluded"] + n["flow.all.randomised"]:
        yield "assessed"
    arms = sorted({id.split(".")[1] for id in n if id.endswith(".allocated")} - {"all"}) or ["all"]
    if n["flow.all.randomised"] != sum(n[f"flow.{arm}.allocated"] for arm in arms):
        yield "randomised"
    for arm in arms:
        whole = n[f"flow.{arm}.allocated"]
        if (
            f"flow.{arm}.received" in n
            and whole != n[f"flow.{arm}.received"] + n[f"flow.{arm}.not_received"]
        ):
            yield f"{arm}: received"
        for id in [id for id in n if id.startswith(f"flow.{arm}.analysed.")]:
            outcome = id.removeprefix(f"flow.{arm}.analysed.")
            parts = [
                n.get(f"flow.{arm}.{stage}.{outcome}", 0)
                for stage in ("lost", "pending", "left_out", "analysed")
            ]
            if whole != sum(parts):
                yield f"{arm}: {outcome}"
    for a, b in combinations([id for id in n if id.startswith("flow.")], 2):
        if a == b:
            yield f"{a} twice"


def main(export_path, results_path):
    with open(results_path, encoding="utf-8") as file:
        results = json.load(file)
    if why := results["meta"]["not_possible"]:
        print(f"{next(iter(why.values()))}; this script recomputes trials of people alone")
        return 2
    wrong = [
        *compare(results, recompute(Export(export_path))),
        *(f"flow: {box}" for box in boxes(results)),
    ]
    print(f"{len(results['numbers'])} numbers, {len(wrong)} that differ", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
