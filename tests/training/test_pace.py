"""How long the rest of a training will take."""

import itertools

import pytest

from sknets import MLPRegressor, training
from sknets.training import _pace
from tests.training.nets import make_net, make_rows


@pytest.fixture
def clock(monkeypatch):
    """Let each epoch take as many seconds as the test says."""

    def tick(*seconds):
        times = itertools.accumulate(itertools.chain([0.0], seconds))
        monkeypatch.setattr(_pace, "perf_counter", lambda: next(times))

    return tick


def paced(n_epochs, n_done):
    pace = _pace.Pace(n_epochs)
    for _ in range(n_done):
        pace.end_epoch()
    return pace


@pytest.mark.parametrize(
    ("seconds", "n_epochs", "expected"),
    [
        ([2.0], 4, "Time left: at most 6 s (3 iterations of 2 s)"),
        ([1.0, 2.0], 52, "Time left: at most 1 min 15 s (50 iterations of 1.5 s)"),
        ([61.0] * 3, 203, "Time left: at most 3 h 23 min (200 iterations of 61 s)"),
        ([0.001] * 9, 200, None),  # less than a second
        ([5.0] * 2, 3, "Time left: at most 5 s (1 iteration of 5 s)"),
        ([5.0] * 2, 2, None),
    ],
)
def test_what_is_left_at_most(clock, seconds, n_epochs, expected):
    clock(*seconds)
    assert paced(n_epochs, len(seconds)).describe() == expected


def test_the_last_ten_epochs_count(clock):
    clock(100.0, *[1.0] * 5, *[2.0] * 5)
    assert paced(20, 11).seconds == 1.5


def test_time_left_is_printed_until_the_last_epoch(monkeypatch, capsys):
    clock = itertools.count(step=10)
    monkeypatch.setattr(_pace, "perf_counter", lambda: next(clock))
    make_net(max_epochs=3, verbose=1).fit(make_rows())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[::2]] == [f"Iteration {n}" for n in (1, 2, 3)]
    assert [line.split(" (")[0] for line in lines[1::2]] == [
        "Time left: at most 20 s",
        "Time left: at most 10 s",
    ]


def test_who_stops_has_no_time_left(monkeypatch, capsys):
    clock = itertools.count(step=10)
    monkeypatch.setattr(_pace, "perf_counter", lambda: next(clock))
    stopping = training.Stopping(10.0, 1, "train_loss")
    make_net(max_epochs=9, verbose=1, stopping=stopping).fit(make_rows())
    assert capsys.readouterr().out.splitlines()[-1].endswith("Stopping.")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_nothing_is_said_of_a_short_fit(capsys, solver):
    rows = make_rows()
    MLPRegressor(solver=solver, verbose=True, max_iter=3).fit(rows.X.numpy(), rows.y[:, 0].numpy())
    assert "Time left" not in capsys.readouterr().out
