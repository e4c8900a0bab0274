"""Workers that share the cores compute on one thread each: threads of two workers would wait in turn."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # before anything imports torch
