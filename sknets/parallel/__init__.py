"""Searches whose networks train together: ``joblib.parallel_config("sknets")``."""

from sknets.parallel._backend import TogetherBackend, register_backend, run_all
from sknets.parallel._distributed import distributed
from sknets.parallel._processes import fit_distributed

__all__ = ["TogetherBackend", "distributed", "fit_distributed", "register_backend", "run_all"]
