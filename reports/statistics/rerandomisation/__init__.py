"""Tests and intervals that rest on the randomisation alone: what would have been seen had the lot
fallen otherwise.

    rule = methods.build({"method": "big_stick", "ratio": {"guided": 1, "unguided": 1},
                          "tolerance": 3})
    rerandomisation.test(phq, arm, rule=rule, strata=site, generator=np.random.default_rng(1)).p
    rerandomisation.interval(phq, arm, rule=rule, strata=site, generator=np.random.default_rng(1))
    rerandomisation.missing(phq, arm, rule=rule, strata=site, generator=np.random.default_rng(1)).p

Under the null hypothesis everybody's outcome is what it would have been in the other arm. Outcomes
are then fixed, and the only thing that could have come out otherwise is the allocation. It is made
again with the procedure that was used, on the realised order, strata and covariates, and the
statistic computed again; p is the chance of one as extreme as the realised. No model of the
outcomes and no random sample of people is assumed, and a procedure such as minimisation is
accounted for by itself.

All sequences are listed, with exact probabilities, where they are few (1,000,000 at most);
elsewhere `draws` of them are drawn, and p is (1 + those as extreme) / (1 + those drawn), which is
valid and never 0. Rosenberger, Uschner and Wang, Stat Med 2019;38:1; Rosenberger and Lachin,
Randomization in Clinical Trials, 2016, chapter 6. The number added to both counts: Phipson and
Smyth, Stat Appl Genet Mol Biol 2010;9:39. Intervals invert the test under a constant shift.

Whoever was allocated by force was not randomised and belongs to no sequence: leave them out before.
Where clusters were allocated, a cluster is what has an outcome, such as the mean of its people, and
an arm.
"""

from .enumeration import TooManySequences
from .inversion import Interval, interval
from .significance import Rerandomisation, missing
from .significance import rerandomise as test
from .trial import ALTERNATIVES, STATISTICS, NotRandomisedSo

__all__ = [
    "ALTERNATIVES",
    "STATISTICS",
    "Interval",
    "NotRandomisedSo",
    "Rerandomisation",
    "TooManySequences",
    "interval",
    "missing",
    "test",
]
