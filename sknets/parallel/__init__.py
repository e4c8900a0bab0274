"""Many networks at once, and one by many processes: joblib's context "sknets", and shared fits."""

# for the other rooms; users write joblib.parallel_config("sknets")
from sknets.parallel._backend import TogetherBackend as TogetherBackend
from sknets.parallel._backend import register_backend as register_backend
from sknets.parallel._backend import run_all as run_all
from sknets.parallel._distributed import distributed
from sknets.parallel._processes import fit_distributed

__all__ = ["distributed", "fit_distributed"]
