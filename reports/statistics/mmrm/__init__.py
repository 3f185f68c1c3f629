"""The mixed model for repeated measures (MMRM): every visit of everybody, one covariance over
visits, no imputation.

    fit = mmrm.fit(frame, outcome="bdi", subject="subject", visit="month",
                   fixed="bdi_pre + drug + length + treatment * month",
                   reference={"treatment": "TAU"})
    fit.contrasts("treatment", by="month", reference="TAU")

REML by Newton's method on exact derivatives; Kenward-Roger as SAS does it (the elements of Sigma as
parameters). Mallinckrodt et al., Drug Inf J 2008;42:303.
"""

from ..model_frame import NotEstimable
from ..variation import NotConverged
from ..wald import FTest
from .arrays import ArrayFit, fit_arrays
from .blocks import Duplicate
from .covariances import NAMES as COVARIANCES
from .fit import Fit, fit

__all__ = [
    "COVARIANCES",
    "ArrayFit",
    "Duplicate",
    "FTest",
    "Fit",
    "NotConverged",
    "NotEstimable",
    "fit",
    "fit_arrays",
]
