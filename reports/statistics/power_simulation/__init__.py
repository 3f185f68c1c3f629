"""Power, type I error, bias and coverage of a trial's declared analysis, by simulating the whole
trial many times.

trial = power_simulation.Trial(
    n=power_simulation.arms(200), means=((12, 11, 10, 10), (12, 9, 7, 7)),
    covariance=power_simulation.compound_symmetry(6.0, 0.6, visits=4),
    leaving=power_simulation.Leaving(((0.05,) * 4, (0.08,) * 4), slope=0.3))
power_simulation.simulate(trial, power_simulation.Mmrm(visit=-1), np.random.default_rng(1)).power
"""

from .analyses import Ancova, Mmrm, PartiallyNested, TrialEstimates
from .simulate import Known, Simulation, estimates, simulate, summarised
from .trial import Coaches, Leaving, NoTrial, Scores, Stopping, Trial, arms, compound_symmetry, draw

__all__ = [
    "Ancova",
    "Coaches",
    "Known",
    "Leaving",
    "Mmrm",
    "NoTrial",
    "PartiallyNested",
    "Scores",
    "Simulation",
    "Stopping",
    "Trial",
    "TrialEstimates",
    "arms",
    "compound_symmetry",
    "draw",
    "estimates",
    "simulate",
    "summarised",
]
