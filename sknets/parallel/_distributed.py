"""A fit in which several processes train one network: each of them calls it, with all rows."""

import os
import socket
from contextlib import contextmanager
from datetime import timedelta
from numbers import Integral, Real

import torch
import torch.distributed as dist

from sknets import training

BACKENDS = ("gloo", "nccl")

#: Seconds for which a process waits for the others.
TIMEOUT = 600.0

#: What starts processes of one fit tells them so: torchrun, Accelerate, and others.
_TOLD = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@contextmanager
def distributed(*, rank=None, n_processes=None, address=None, backend="gloo", timeout=TIMEOUT):
    """Let fits inside be shared out among the processes that have entered such a context.

    Every process runs the same script and calls `fit` with the same estimator and all rows. It takes its
    share of each batch, gradients are added up, and each ends with the network of one process. A
    `random_state` that is an int is needed. Where `torch.distributed` has been initialised before (by
    Accelerate, say), its processes are taken, and the parameters here have to be left out.

    Parameters
    ----------
    rank : int, default=None
        Number of this process, from 0. None takes what torchrun or Accelerate tells.
    n_processes : int, default=None
        How many there are, on all machines together. None takes what torchrun or Accelerate tells.
    address : str, default=None
        ``"host:port"`` of process 0, at which all meet; the port has to be free there. None takes what
        torchrun or Accelerate tells.
    backend : {"gloo", "nccl"}, default="gloo"
        How gradients are added up: "gloo" for CPUs, "nccl" for a CUDA device for each process.
    timeout : float, default=600.0
        Seconds after which a process that waits for another one raises an error.

    Yields
    ------
    rank : int
        Number of this process: only that of number 0 need save or print.

    Raises
    ------
    ValueError
        If a parameter does not fit, or nobody tells what is left out.
    ConnectionError
        If the port is in use, or the others do not come.

    See Also
    --------
    fit_distributed : Starts the processes by itself, on this machine.

    Examples
    --------
    A script for ``torchrun --nproc-per-node 2 script.py``, and here in one process alone:

    >>> from sklearn.datasets import load_iris
    >>> from sknets import MLPClassifier
    >>> from sknets.parallel import distributed
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier(learning_rate="one_cycle", batch_size=16, random_state=0)
    >>> with distributed(rank=0, n_processes=1, address="localhost:0") as rank:
    ...     net = net.fit(X, y)
    ...     if rank == 0:
    ...         print(round(net.score(X, y), 1))
    1.0
    """
    if dist.is_initialized():
        if (rank, n_processes, address, backend, timeout) != (None, None, None, "gloo", TIMEOUT):
            raise ValueError(
                "torch.distributed has been initialised before, and its processes are taken: call "
                "distributed() without parameters."
            )
        with training.trained_by(training.Team(_device(dist.get_backend()))):
            yield dist.get_rank()
        return
    rank, n_processes, address = _told(rank, n_processes, address)
    check_backend(backend, timeout)
    _begin(backend, timeout, rank, n_processes, address, init_method=f"tcp://{address}")
    try:
        with training.trained_by(training.Team(_device(backend))):
            yield rank
    finally:
        dist.destroy_process_group()


@contextmanager
def of_one_machine(rank, n_processes, path, backend, timeout):
    """Let fits inside be shared out among processes of this machine, which meet at a file."""
    loops = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
    if loops:  # else the name of the machine would have to lead back to it
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loops[0])
    store = dist.FileStore(str(path), n_processes)
    _begin(backend, timeout, rank, n_processes, path, store=store)
    try:
        team = training.Team(_device(backend))
        with training.trained_by(team):
            yield team
    finally:
        dist.destroy_process_group()


def check_backend(backend, timeout):
    """Raise ValueError if a backend cannot be had, or a timeout is none."""
    if backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} must be one of {BACKENDS}.")
    if backend == "nccl" and not (torch.cuda.is_available() and dist.is_nccl_available()):
        raise ValueError(
            "backend='nccl' needs a CUDA device for each process, and none is here. Use backend='gloo'."
        )
    if not (isinstance(timeout, Real) and 0.0 < timeout < float("inf")):
        raise ValueError(f"timeout={timeout!r} must be a number of seconds above 0.")


def check_processes(n_processes):
    """Raise ValueError if a number of processes is none."""
    is_number = isinstance(n_processes, Integral) and not isinstance(n_processes, bool)
    if not is_number or n_processes < 1:
        raise ValueError(f"n_processes={n_processes!r} must be an int of at least 1.")


def _told(rank, n_processes, address):
    """Return what is given, or else what the environment tells."""
    told = [os.environ.get(name) for name in _TOLD]
    if None in (rank, n_processes, address) and None in told:
        raise ValueError(
            "rank, n_processes and address are all needed, unless torchrun or Accelerate has started "
            "this process. Start it by `torchrun --nproc-per-node 2 script.py`, or use "
            "fit_distributed, which starts processes by itself."
        )
    rank = int(told[0]) if rank is None else rank
    n_processes = int(told[1]) if n_processes is None else n_processes
    address = f"{told[2]}:{told[3]}" if address is None else address
    check_processes(n_processes)
    if not (isinstance(rank, Integral) and 0 <= rank < n_processes):
        raise ValueError(
            f"rank={rank!r} must be an int from 0 to n_processes - 1 = {n_processes - 1}."
        )
    host, _, port = str(address).rpartition(":")
    if not (host and port.isdigit() and int(port) < 2**16):
        raise ValueError(f"address={address!r} must be 'host:port', as '10.0.0.1:29500'.")
    return rank, n_processes, address


def _begin(backend, timeout, rank, n_processes, address, **where):
    if backend == "nccl":
        if not where.get("init_method") and torch.cuda.device_count() < n_processes:
            raise ValueError(
                f"n_processes={n_processes} with backend='nccl' needs as many CUDA devices, and there "
                f"are {torch.cuda.device_count()}."
            )
        place = int(os.environ.get("LOCAL_RANK", rank % torch.cuda.device_count()))
        torch.cuda.set_device(place)
    try:
        dist.init_process_group(
            backend,
            rank=rank,
            world_size=n_processes,
            timeout=timedelta(seconds=timeout),
            **where,
        )
    except RuntimeError as error:
        (reason, *_) = str(error).splitlines() or [""]
        remedy = (
            "The port is in use: choose another one, for all processes (torchrun --master-port)."
            if "EADDRINUSE" in str(error)
            else f"Have all {n_processes} processes been started, and do they reach process 0?"
        )
        raise ConnectionError(
            f"address={str(address)!r}: process {rank} of {n_processes} does not meet the others. "
            f"{remedy} Torch says: {reason}"
        ) from error


def _device(backend):
    return torch.device("cuda" if backend == "nccl" else "cpu")
