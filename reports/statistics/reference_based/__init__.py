"""Reference-based imputation of what is missing after an intercurrent event, each kind of event by
its own strategy.

    plan = reference_based.Plan(
        outcome="bdi", subject="subject", visit="month", arm="treatment", control="TAU",
        fixed="bdi_pre * month + drug + length + treatment * month", adjustment="bdi_pre + drug +
        length")
    result = reference_based.conditional_mean(frame, plan, strategies="jump-to-reference")
    result.contrasts                         # frame: visit arm contrast estimate se z p lower upper
    result.with_delta({"BtheB": 2.0}).contrasts        # no new fit: estimates are linear in delta
    tipping_point(result, visit="8", arm="BtheB")

`conditional_mean` is deterministic: missing values become their conditional means under the mixed
model for repeated measures, the analysis is an ANCOVA at each visit, and its error comes from
leaving out one subject at a time, the imputation model included (Wolbers, Noci, Delmar et al.,
Pharm Stat 2022;21:1246). `approximate_bayesian` draws: the model is refitted to bootstrap samples,
values are drawn, and the analyses are pooled by Rubin's rules (Little and Rubin 2002, section
10.2.3). Strategies: Carpenter, Roger and Kenward, J Biopharm Stat 2013;23:1352. Estimands: ICH
E9(R1).
"""

from .data import Composite, NotBaseline, Strategy, UnknownStrategy
from .draws import Bayesian, approximate_bayesian
from .imputation import STRATEGIES
from .jackknife import Jackknife, conditional_mean
from .model import NotRefitted
from .plan import Plan
from .tipping import NoTippingPoint, Tipping, tipping_point

__all__ = [
    "STRATEGIES",
    "Bayesian",
    "Composite",
    "Jackknife",
    "NoTippingPoint",
    "NotBaseline",
    "NotRefitted",
    "Plan",
    "Strategy",
    "Tipping",
    "UnknownStrategy",
    "approximate_bayesian",
    "conditional_mean",
    "tipping_point",
]
