"""Multiple imputation: draw what is missing many times, analyse every time, pool by Rubin's rules.

    imputed = multiple_imputation.chained(frame, ["drug", "bdi_pre", "bdi_2m", "bdi_8m"],
    by="treatment", m=50, generator=g)
    imputed = multiple_imputation.normal(frame, ["treatment", "bdi_pre", "bdi_2m", "bdi_8m"], m=50,
    generator=g)
    found = multiple_imputation.regress(imputed, "bdi_8m", "bdi_pre + treatment",
    reference={"treatment": "TAU"})
    found["treatmentBtheB"].estimate, .se, .df, .lower, .upper, .riv, .fmi

Any model of this library, or of anybody's, is fitted and pooled in one call, with F tests of
several coefficients together:

    fit = multiple_imputation.analyse(imputed, lambda frame: logistic.fit(frame, outcome="well",
    fixed="bdi_pre + treatment"))
    fit["treatmentBtheB"].estimate, fit.coefficients, fit.test("treatment")

The arm is either one of the columns, or the columns are imputed `by` arm, which lets everything
depend on it.
"""

from .analysing import PooledFit, Quantities, analyse, pool_fits, pool_tests, quantities
from .chained import METHODS, chained
from .columns import Imputed, NotImputable
from .joint import normal
from .pooling import NotPoolable, Pooled, pool
from .regression import regress

__all__ = [
    "METHODS",
    "Imputed",
    "NotImputable",
    "NotPoolable",
    "Pooled",
    "PooledFit",
    "Quantities",
    "analyse",
    "chained",
    "normal",
    "pool",
    "pool_fits",
    "pool_tests",
    "quantities",
    "regress",
]
