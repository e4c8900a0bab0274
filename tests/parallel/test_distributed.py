"""Real processes that train one network together."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib.externals.loky import ProcessPoolExecutor
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknets
from sknets import CNNClassifier, MLPClassifier, MLPRegressor, RNNRegressor
from sknets.parallel import distributed, fit_distributed
from sknets.parallel._distributed import of_one_machine

RNG = np.random.default_rng(0)
N = 83
X = RNG.normal(size=(N, 4))
Y = X[:, 0] - X[:, 1] ** 2
CLASSES = np.array(["a", "b", "c"])[np.digitize(Y, [-1.0, 0.0])]
IMAGES = RNG.normal(size=(N, 6, 6))
SERIES = RNG.normal(size=(N, 7, 2))
SMALL = {"max_iter": 4, "batch_size": 16, "random_state": 0, "dtype": "float64"}
STOPPING = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 2}

CASES = [
    (MLPRegressor(**SMALL, dropout=0.2), X, Y),
    (MLPClassifier(**SMALL | STOPPING | {"max_iter": 40, "learning_rate_init": 0.05}), X, CLASSES),
    (CNNClassifier(**SMALL, conv_channels=(3,), dropout=0.2), IMAGES, CLASSES),
    (RNNRegressor(**SMALL, hidden_layer_sizes=5, recurrent_dropout=0.2), SERIES, Y),
    (MLPRegressor(**SMALL | {"dtype": "float32"}), X, Y),
]


def _fit_all(rank, n_processes, folder):
    with of_one_machine(rank, n_processes, Path(folder) / "meeting", "gloo", 60.0):
        networks = [clone(network).fit(X_of, y) for network, X_of, y in CASES]
    return [network.net_.flat.values for network in networks]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_processes_have_the_network_of_one(tmp_path):
    with ProcessPoolExecutor(2) as executor:
        futures = [executor.submit(_fit_all, rank, 2, str(tmp_path)) for rank in range(2)]
        of_first, of_second = (future.result() for future in futures)
    for (network, X_of, y), first, second in zip(CASES, of_first, of_second, strict=True):
        alone = clone(network).fit(X_of, y).net_.flat.values
        assert torch.equal(first, second)
        atol = 1e-12 if alone.dtype == torch.float64 else 1e-6
        np.testing.assert_allclose(first, alone, rtol=0, atol=atol)


@pytest.mark.slow
def test_fit_distributed_fits_a_pipeline_with_weights_and_warns():
    pipe = make_pipeline(StandardScaler(), MLPRegressor(**SMALL | {"verbose": 0}))
    weight = RNG.uniform(0.5, 2.0, N)
    params = {"mlpregressor__sample_weight": weight}
    with pytest.warns(ConvergenceWarning):
        fitted = fit_distributed(pipe, X, Y, params=params)
    alone = clone(pipe).fit(X, Y, **params)
    np.testing.assert_allclose(fitted.predict(X), alone.predict(X), rtol=0, atol=1e-12)
    assert not hasattr(pipe[-1], "n_iter_")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_without_a_random_state_all_processes_have_the_same_seed():
    network = MLPRegressor(**SMALL | {"random_state": None})
    fitted = fit_distributed(network, X, Y)
    assert fitted.random_state is None
    assert fitted.n_iter_ == 4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_fit_goes_on_in_stages():
    network = MLPRegressor(**SMALL, warm_start=True, dropout=0.2)
    staged = fit_distributed(fit_distributed(network, X, Y), X, Y)
    alone = clone(network).fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(staged.coefs_[0], alone.coefs_[0], rtol=0, atol=1e-12)


class Killed:
    """A loss in which one of the processes is killed, at its hundredth call."""

    def __init__(self, folder):
        self.folder = folder
        self.n = 0

    def __call__(self, raw, target):
        self.n += 1
        if self.n == 100:
            try:
                (Path(self.folder) / "killed").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return (raw - target).square().sum(1)


@pytest.mark.slow
def test_a_killed_process_ends_the_fit_of_all(tmp_path):
    network = MLPRegressor(**SMALL | {"max_iter": 100_000, "tol": 0.0}, loss=Killed(str(tmp_path)))
    before = vars(network).copy()
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="has ended before the fit"):
        fit_distributed(network, X, Y)
    assert time.monotonic() - started < 120
    assert (tmp_path / "killed").exists()
    assert vars(network) == before
    assert network.set_params(loss="squared_error", max_iter=2).fit(X, Y).n_iter_ == 2


@pytest.mark.slow
def test_an_error_in_all_processes_is_that_of_fit():
    with pytest.raises(ValueError, match="solver='lbfgs' takes all rows"):
        fit_distributed(MLPRegressor(solver="lbfgs"), X, Y)
    with pytest.raises(ValueError, match="Ridge has trained no network"):
        fit_distributed(Ridge(), X, Y)


@pytest.mark.parametrize(
    ("words", "params"),
    [
        ("n_processes=0", {"n_processes": 0}),
        ("n_processes=2.0", {"n_processes": 2.0}),
        ("n_processes=True", {"n_processes": True}),
        ("backend='mpi'", {"backend": "mpi"}),
        ("timeout=0", {"timeout": 0}),
        ("timeout=nan", {"timeout": float("nan")}),
        ("params=3", {"params": 3}),
    ],
)
def test_bad_parameters_start_no_process(words, params):
    with pytest.raises(ValueError, match=words):
        fit_distributed(MLPRegressor(), X, Y, **params)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_nccl_needs_a_device():
    with pytest.raises(ValueError, match="backend='nccl' needs a CUDA device"):
        fit_distributed(MLPRegressor(), X, Y, backend="nccl")


def test_an_estimator_is_needed():
    with pytest.raises(ValueError, match="must be an estimator"):
        fit_distributed("MLPRegressor", X, Y)


# --- processes that are there already ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "params"),
    [
        ("are all needed", {}),
        ("are all needed", {"rank": 0, "n_processes": 1}),
        ("rank=2 must be", {"rank": 2, "n_processes": 2, "address": "localhost:0"}),
        ("address='localhost' must", {"rank": 0, "n_processes": 1, "address": "localhost"}),
        ("address=':80' must", {"rank": 0, "n_processes": 1, "address": ":80"}),
        ("backend='mpi'", {"rank": 0, "n_processes": 1, "address": "h:1", "backend": "mpi"}),
    ],
)
def test_bad_parameters_of_a_context_are_named(words, params):
    with pytest.raises(ValueError, match=words), distributed(**params):
        pass


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        address = f"localhost:{taken.getsockname()[1]}"
        with (
            pytest.raises(ConnectionError, match=f"{address}.*The port is in use: choose another"),
            distributed(rank=0, n_processes=1, address=address, timeout=5.0),
        ):
            pass
    assert not torch.distributed.is_initialized()


def test_others_who_do_not_come_are_missed_in_time():
    with (
        pytest.raises(ConnectionError, match="Have all 2 processes been started"),
        distributed(rank=0, n_processes=2, address="localhost:0", timeout=1.0),
    ):
        pass


SCRIPT = """
import os, signal, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from sknets import MLPRegressor
from sknets.parallel import distributed

X = np.random.default_rng(0).normal(size=(80, 3))
net = MLPRegressor(random_state=0, max_iter=3, dtype="float64", batch_size=16)
with distributed(timeout=60.0) as rank:
    net.fit(X, X[:, 0])
    print("SUM", repr(float(np.abs(net.coefs_[0]).sum())), flush=True)
    if sys.argv[1:] == ["kill"]:
        if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            net.fit(X, X[:, 1])
        except RuntimeError as error:
            print("TOLD", type(error).__name__, error, "KEPT", net.n_iter_, flush=True)
            time.sleep(1.0)
            raise
"""


def _start(tmp_path, *args):
    """Run the script in two processes as torchrun would; return their outputs."""
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    where = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    env = os.environ | where | {"PYTHONPATH": str(Path(sknets.__file__).parent.parent)}
    processes = [
        subprocess.Popen(
            [sys.executable, str(tmp_path / "script.py"), *args],
            env=env | {"RANK": str(rank), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    return [process.communicate(timeout=200)[0] for process in processes]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(sys.platform != "linux", reason="names Linux's loopback")
def test_processes_of_torchrun_fit_together(tmp_path):
    outputs = _start(tmp_path)
    sums = [float(output.split("SUM ")[1].split()[0]) for output in outputs]
    X = np.random.default_rng(0).normal(size=(80, 3))
    net = MLPRegressor(random_state=0, max_iter=3, dtype="float64", batch_size=16).fit(X, X[:, 0])
    assert sums[0] == sums[1]
    assert sums[0] == pytest.approx(np.abs(net.coefs_[0]).sum(), abs=1e-11)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="names Linux's loopback")
def test_the_others_hear_of_a_process_that_is_killed(tmp_path):
    first, second = _start(tmp_path, "kill")
    assert "TOLD TeamError Another process of this fit has ended" in first
    assert "KEPT 3" in first
    assert "TOLD" not in second


@pytest.fixture
def connection(tmp_path):
    """A connection that Accelerate, say, has opened, of this process alone."""
    store = torch.distributed.FileStore(str(tmp_path / "meeting"), 1)
    torch.distributed.init_process_group("gloo", rank=0, world_size=1, store=store)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore")
def test_a_connection_that_is_there_is_taken_and_left(connection):
    network = MLPRegressor(**SMALL, dropout=0.2)
    with distributed() as rank:
        shared = clone(network).fit(X, Y)
    assert rank == 0
    assert torch.distributed.is_initialized()
    np.testing.assert_allclose(shared.coefs_[0], network.fit(X, Y).coefs_[0], atol=1e-12)


def test_a_connection_that_is_there_takes_no_parameters(connection):
    with pytest.raises(ValueError, match="without parameters"), distributed(rank=0):
        pass


LONG = """
import os, sys
from pathlib import Path
import numpy as np
from sknets import MLPRegressor
from sknets.parallel import fit_distributed

def loss(raw, target):
    Path(sys.argv[1], str(os.getpid())).touch()
    return (raw - target).square().sum(1)

X = np.random.default_rng(0).normal(size=(80, 3))
net = MLPRegressor(loss=loss, random_state=0, max_iter=100_000, tol=0.0, n_iter_no_change=10**6)
try:
    fit_distributed(net, X, X[:, 0])
except KeyboardInterrupt:
    print("INTERRUPTED", hasattr(net, "n_iter_"), flush=True)
"""


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_one_that_has_called(tmp_path, number):
    script, folder = tmp_path / "script.py", tmp_path / "pids"
    script.write_text(LONG)
    folder.mkdir()
    env = os.environ | {"PYTHONPATH": str(Path(sknets.__file__).parent.parent)}
    args = [sys.executable, str(script), str(folder)]
    process = subprocess.Popen(args, env=env, stdout=subprocess.PIPE, text=True)
    _wait_until(lambda: len(list(folder.iterdir())) == 2)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert ("INTERRUPTED False" in output) == (number == signal.SIGINT)
    pids = [int(path.name) for path in folder.iterdir()]
    _wait_until(lambda: not any(map(_is_alive, pids)), 30)
