"""Searches whose networks train together: ``joblib.parallel_config("sknets")``."""

from sknets.parallel._backend import TogetherBackend, register_backend, run_all

__all__ = ["TogetherBackend", "register_backend", "run_all"]
