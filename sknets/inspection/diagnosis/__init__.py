"""Why a network disappoints, and what to do: measure once, then ask, then find."""

from sknets.inspection.diagnosis._diagnose import diagnose
from sknets.inspection.diagnosis._diagnosis import Diagnosis

__all__ = ["Diagnosis", "diagnose"]
