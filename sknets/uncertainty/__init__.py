"""How sure a prediction is: conformal intervals and sets, temperatures; it knows arrays only."""

from sknets.uncertainty._coverage import check_coverage, check_enough, quantile_of
from sknets.uncertainty._held import HeldClasses, HeldLabels, HeldNumbers, outer_levels
from sknets.uncertainty._intervals import Intervals
from sknets.uncertainty._temperature import at_temperature, choose_temperature

__all__ = [
    "HeldClasses",
    "HeldLabels",
    "HeldNumbers",
    "Intervals",
    "at_temperature",
    "check_coverage",
    "check_enough",
    "choose_temperature",
    "outer_levels",
    "quantile_of",
]
