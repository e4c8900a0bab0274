"""The examples run, draw, and show what they say."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run_example(name, picture):
    """Run an example, check its picture, and return what it printed."""
    run = subprocess.run(
        [sys.executable, EXAMPLES / name, "--output", picture],
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "Agg"},
    )
    assert run.returncode == 0, run.stderr
    assert picture.stat().st_size > 20_000
    return run


def read_numbers(text, name):
    """Return the numbers in the row of a table that begins with a name."""
    row = next(line for line in text.splitlines() if line.startswith(f"{name}  "))
    return [float(number) for number in re.findall(r"\d+\.\d+", row)]


def test_hitters_example_shows_that_networks_win(tmp_path):
    picture = tmp_path / "pictures" / "hitters.png"
    run = subprocess.run(
        [sys.executable, EXAMPLES / "plot_hitters.py", "--output", picture],
        capture_output=True,
        text=True,
        check=True,
        env={"MPLBACKEND": "Agg"},
    )
    rows = {}
    for line in run.stdout.splitlines():
        for name in (
            "LinearRegression",
            "LassoCV",
            "the chapter's network",
            "sknets MLPRegressor()",
            "sknets TabularRegressor()",
        ):
            if name in line and "." in line.split(name)[1]:
                numbers = line.split(name)[1].split()
                rows[name] = (float(numbers[0]), float(numbers[1]))
    assert abs(rows["LinearRegression"][0] - 254.6687) < 1e-3
    lasso = rows["LassoCV"]
    assert 250 < lasso[0] < 258
    for name in ("the chapter's network", "sknets MLPRegressor()"):
        assert rows[name][0] < lasso[0] - 20
        assert rows[name][1] < lasso[1] - 20
    assert rows["sknets TabularRegressor()"][1] < 190
    assert picture.stat().st_size > 20_000
    assert "100%" in run.stderr  # the progress bar


def check_signals(text):
    dense, convolutional = (
        read_numbers(text, f"sknets {name}")[0] for name in ("MLPClassifier", "CNNClassifier")
    )
    assert convolutional > dense + 0.2
    found, even = re.search(r"heat on the pattern: (\S+) \(even: (\S+)\)", text).groups()
    assert float(found) > 1.5 * float(even)


def check_augmentation(text):
    # a mean and a standard error for each of 5, 10 and 20 digits per class
    plain, augmented = (
        read_numbers(text, name)[2] for name in ("CNNClassifier", "CNNClassifier, augmented")
    )
    assert augmented > plain + 0.005


def check_transfer(text):
    scratch = read_numbers(text, "from scratch")[0]
    for name in ("feature extraction", "fine-tuning", "features + logistic regression"):
        assert read_numbers(text, name)[0] > scratch + 0.005


def check_nyse(text):
    for part, limit in zip(re.split("Test R² with ", text), (0.413, 0.46), strict=True):
        mean, *seeds = read_numbers(part, "LSTM, 12 units")
        assert mean >= limit
        assert len(seeds) == 5


def check_reversing(text):
    for task in ("reversing", "sorting"):
        assert read_numbers(text, task)[0] > 0.95


def check_forecast(text):
    # the errors of days 1 to 5 and of all, the coverage of the intervals, the seconds
    naive = min(read_numbers(text, name)[5] for name in ("last value", "five days before"))
    for model in ("ridge", "network"):
        for way in ("recursive", "direct", "direct, all columns"):
            *errors, error, coverage, _ = read_numbers(text, f"{model}, {way}")
            assert errors == sorted(errors)
            assert error < 0.85 * naive
            assert 0.7 < coverage < 0.9


def check_long_memory(text):
    # mean and lowest R² at gaps of 10, 50 and 200 timesteps; one bit is worth 0.875
    plain, *gated = (read_numbers(text, cell) for cell in ("rnn", "lstm", "gru"))
    for cell in gated:
        assert min(cell[1], plain[1]) > 0.97
        assert cell[5] > 0.92 > 0.89 > plain[4]


def check_quantiles(text):
    left, right, error = read_numbers(text, "three quantiles")
    assert 0.75 < left < 0.85
    assert 0.75 < right < 0.85
    left, right, with_one_spread = read_numbers(text, "mean, one spread")
    assert right < 0.7 < 0.9 < left
    assert error < 0.5 * with_one_spread


def check_many_networks(text):
    # of each alpha: mean, spreads over folds and seeds, how often it is chosen (one seed, a seed each)
    rows = {
        float(alpha): [float(number) for number in numbers.split()]
        for alpha, numbers in re.findall(r"^alpha=(\S+) +(.*)", text, re.M)
    }
    low = [row for alpha, row in rows.items() if alpha <= 1]
    best = min(rows.values())
    assert best in low
    assert max(row[0] for row in low) - best[0] < 0.5 * min(row[2] for row in low)
    assert rows[16][0] > best[0] + 20
    one_seed, a_seed_each = (max(row[column] for row in low) for column in (3, 4))
    assert one_seed > 45
    assert a_seed_each < 35
    assert "800 networks" in text


def check_early_stopping(text):
    # error, its deviation over seeds, milliseconds
    rows = [read_numbers(text, name) for name in ("500 epochs", "the best of 500", "50 by plan")]
    assert rows[2][0] < min(rows[0][0], rows[1][0]) - 3
    assert rows[2][1] < rows[1][1]
    # milliseconds by rows
    theirs = read_numbers(text, "scikit-learn, early stopping")
    ours = read_numbers(text, "sknets, early stopping")
    assert all(own < 0.5 * other for own, other in zip(ours, theirs, strict=True))


def check_attributions(text):
    # the network's sizes, those of the formula, and their correlation for the columns that count
    rows = [read_numbers(text, f"x{number}") for number in range(1, 11)]
    assert min(r for _, _, r in rows[:5]) > 0.95
    assert max(size for size, _ in rows[5:]) < 0.5 * min(size for size, _, _ in rows[:5])
    share = float(re.search(r"two marked timesteps: (\S+)", text).group(1))
    assert share > 0.9


def check_tables(text):
    errors = [float(e) for e in re.findall(r"^Mean absolute error on .*?(\d+\.\d)", text, re.M)]
    assert len(errors) == 2
    assert max(errors) < 215  # least squares has 248, the default network 207


def check_autoencoder(text):
    linear, curved = (
        [float(number) for number in line.split()[1:]]
        for line in text.splitlines()
        if re.match(r"(PCA|autoencoder) +0\.\d+ +0", line)
    )
    assert curved[0] > linear[0] + 0.15  # two numbers
    assert curved[1] > linear[1] + 0.05
    assert curved[3] > linear[3] + 0.1  # neighbours of their kind
    spiral = text.split("one number keeps")[1]
    assert read_numbers(spiral, "autoencoder")[0] > 0.99 > 0.8 > read_numbers(spiral, "PCA")[0]


def check_image_series_codes(text):
    of_spots, of_waves = text.split("waves that")
    assert read_numbers(of_spots, "convolutional")[0] > 0.8 > 0.5 > read_numbers(of_spots, "PCA")[0]
    assert read_numbers(of_waves, "recurrent")[0] > read_numbers(of_waves, "PCA")[0] + 0.15


def check_calibration(text):
    before, after = read_numbers(text, "before"), read_numbers(text, "calibrated")
    assert after[0] == before[0]  # the labels stay
    assert after[1] < 0.95 * before[1]
    assert after[2] < 0.5 * before[2]
    assert abs(after[3] - 0.9) < 0.03


def check_intervals(text):
    rows = [
        read_numbers(text, name)
        for name in (
            "squared error, conformal",
            "Gaussian loss, conformal",
            "quantiles, conformal",
            "ten Gaussian members, conformal",
        )
    ]
    for _, _, _, of_all, _ in rows:
        assert abs(of_all - 0.9) < 0.04
    constant, *others = rows
    assert constant[0] - constant[2] > 0.1  # too wide on the left, too narrow on the right
    for left, _, right, _, width in others:
        assert abs(left - right) < 0.1
        assert width < constant[4]


def check_gradient_noise(text):
    assert float(re.search(r"Largest difference .*: (\S+)", text).group(1)) < 1e-12
    assert -1.1 < float(re.search(r"Slope .*: (\S+)", text).group(1)) < -0.9
    rows = re.findall(r"^ +(\d+) +(\d\.\d+) +(\d\.\d+) +\d", text, re.M)
    assert len(rows) == 11
    for m, again, once in ((int(m), float(a), float(b)) for m, a, b in rows):
        assert abs(again - 1) < 0.15
        assert abs(once * 1796 / (1797 - m) - 1) < 0.15

    balls = re.findall(r"^(0\.\d+) +(\S+e\S+) +(\S+) +(\S+) +(\S+)$", text, re.M)
    rates, drawn, closed, in_epochs, _ = np.array(balls, dtype=float).T
    np.testing.assert_allclose(drawn, closed, rtol=0.1)
    small = rates <= 0.05
    slopes = [np.polyfit(*np.log([rates[small], each[small]]), 1)[0] for each in (drawn, in_epochs)]
    assert abs(slopes[0] - 1) < 0.1
    assert abs(slopes[1] - 3) < 0.2

    end = {name: float(re.search(rf"^{name} +(\S+e\S+)$", text, re.M).group(1)) for name in PATHS}
    assert 0.5 < end["1 / t"] / end[r"tr\(S\) / 2mt"] < 2
    assert end["1 / t"] < 0.01 * end["constant 0.02"] < 0.01 * end["constant 0.2"]
    assert end["1 / t²"] > end["constant 0.2"]


PATHS = ("constant 0.2", "constant 0.02", "1 / t", "1 / t²", r"tr\(S\) / 2mt")


def check_width(text):
    slopes = {
        name: float(re.search(rf"^Slope of {name}.*?  (-\S+?),?( |$)", text, re.M).group(1))
        for name in ("networks", "polynomials", "random units")
    }
    assert -1.6 < slopes["networks"] < -0.9
    assert abs(slopes["polynomials"] + 0.5) < 0.15
    assert slopes["random units"] > -0.8
    rows = re.findall(r"^ *(\d+) columns  (\S+) (\S+) (\S+)$", text, re.M)
    for _, network, *others in rows[3:]:  # from four columns on
        assert float(network) < 0.05 < 0.4 < min(float(other) for other in others)
    assert len(rows) == 7


def check_depth(text):
    written = re.findall(r"^(\d) (\d+) (\d+) (\S+) (\S+)$", text, re.M)
    for k, deep, shallow, *errors in written:
        assert (int(deep), int(shallow)) == (2 * int(k), 2 ** int(k))
        assert max(float(error) for error in errors) < 1e-12
    assert len(written) == 8
    trained = [read_numbers(text, f"{k} folds") for k in range(1, 6)]
    assert max(trained[1]) < 0.05
    assert min(trained[4]) > 0.9

    tree, one, three, six = (
        read_numbers(text, kind) for kind in ("tree  ", "1     ", "3     ", "6     ")
    )
    assert tree[-1] < 0.7 * min(three[-1], six[-1])
    assert max(three[-1], six[-1]) < 0.7 * one[-1]
    for name in ("digits", "breast cancer", "wine", "diabetes"):
        row = next(line for line in text.splitlines() if line.startswith(f"{name}  "))
        for more, error in re.findall(r"([+-]\S+) \((\S+)\)", row)[:2]:  # two layers, four
            assert float(more) < max(2 * float(error), 1)


def check_layers_of_digits(text):
    pixels = read_numbers(text, "dense, pixels")
    dense, untrained, convolutional = (
        np.array([read_numbers(text, f"{name}, layer {k}") for k in (1, 2, 3)])
        for name in ("dense", "dense, untrained", "convolutional")
    )
    assert (dense[:, 0] > pixels[0] + 0.3).all()
    assert (np.diff(dense[:, 0]) > -0.01).all()
    assert (np.diff(convolutional[:, 0]) > 0).all()
    assert (abs(untrained[:, 0] - pixels[0]) < 0.1).all()
    assert (np.diff(untrained, axis=0) < 0).all()
    assert convolutional[2, 0] > dense[2, 0] + 0.03
    assert convolutional[2, 1] > pixels[1] > dense[2, 1]


def check_four_methods(text):
    # steps, evaluations, milliseconds, S, top and rate: the first two are whole numbers
    rows = {
        name: re.search(rf"^{name} +(\d+) +(\d+) +(.*)$", text, re.M).groups()
        for name in ("gradient descent", "Gauss-Newton", "Levenberg-Marquardt", "Newton")
    }
    found = {tuple(rest.split()[1:]) for _, _, rest in rows.values()}
    assert len(found) == 1  # one minimum
    steps = {name: int(row[0]) for name, row in rows.items()}
    assert steps["gradient descent"] > 3 * max(n for name, n in steps.items() if name[0] != "g")


def check_dose_response(text):
    # the estimates and errors that drc, a package of R, has for these data
    published = {"bottom": (0.481, 0.212), "top": (7.793, 0.189), "slope": (2.982, 0.465)}
    published["half"] = (3.058, 0.186)
    for name, (estimate, error) in published.items():
        ours = read_numbers(text, name)
        assert abs(ours[0] - estimate) < 0.002
        assert abs(ours[1] - error) < 0.02
    _, _, _, wald_to, _, profile_to = read_numbers(text, "slope")
    assert profile_to > wald_to + 0.2


def check_loss_surface(printed):
    """Skips widen the valley of ten layers; fifteen plain layers learn nothing."""
    rows = [line.split() for line in printed.splitlines() if line.split()[1:2] in (["yes"], ["no"])]
    ranges = {
        tuple(row[:2]): [float(word.rstrip("%")) for word in row[2:] if word != "to"]
        for row in rows
    }
    assert (
        ranges["10", "yes"][4] > ranges["10", "no"][5]
    )  # the narrowest of one, the widest of the other
    assert ranges["10", "yes"][2] > ranges["10", "no"][3]
    assert ranges["15", "no"][1] < 15
    assert ranges["15", "yes"][2] > 90


def check_tracking(text):
    assert text.startswith("20 runs of a search")
    # the lowest validation loss, its epoch, R² and its deviation: a rate too low is still on its way
    rows = {rate: read_numbers(text, rate) for rate in ("0.0001", "0.0010", "0.0100")}
    assert rows["0.0001"][1] > rows["0.0010"][1] > rows["0.0100"][1]
    assert rows["0.0001"][2] > rows["0.0100"][2]
    assert rows["0.0001"][3] < rows["0.0010"][3]


CHECKS = {
    "plot_attributions.py": check_attributions,
    "plot_augmentation.py": check_augmentation,
    "plot_autoencoder.py": check_autoencoder,
    "plot_calibration.py": check_calibration,
    "plot_depth.py": check_depth,
    "plot_dose_response.py": check_dose_response,
    "plot_early_stopping.py": check_early_stopping,
    "plot_forecast.py": check_forecast,
    "plot_four_methods.py": check_four_methods,
    "plot_gradient_noise.py": check_gradient_noise,
    "plot_image_series_codes.py": check_image_series_codes,
    "plot_intervals.py": check_intervals,
    "plot_layers_of_digits.py": check_layers_of_digits,
    "plot_long_memory.py": check_long_memory,
    "plot_many_networks.py": check_many_networks,
    "plot_nyse.py": check_nyse,
    "plot_quantiles.py": check_quantiles,
    "plot_reversing.py": check_reversing,
    "plot_signals.py": check_signals,
    "plot_tables.py": check_tables,
    "plot_transfer.py": check_transfer,
    "plot_width.py": check_width,
    "plot_loss_surface.py": check_loss_surface,
    "plot_tracking.py": check_tracking,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("plot_*.py")))
def test_example_shows_what_it_says(name, tmp_path):
    if name == "plot_tracking.py":
        pytest.importorskip("mlflow")
    printed = run_example(name, tmp_path / "pictures" / "picture.png").stdout
    if name in CHECKS:
        CHECKS[name](printed)


def test_diagnosis_example_names_three_causes_and_mends_them(tmp_path):
    run = run_example("plot_diagnosis.py", tmp_path / "diagnosis.png")
    for name, cause in (
        ("steps too short", "rate too low"),
        ("deep and logistic", "vanishing gradients"),
        ("large, few rows", "too large"),
    ):
        row = next(line for line in run.stdout.splitlines() if line.startswith(f"{name}  "))
        assert cause in row
        before, after = (float(number) for number in row.split()[-2:])
        assert after > before + 0.05


@pytest.mark.slow
def test_serve_example_answers_two_hundred_requests_at_once(tmp_path):
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    command = [sys.executable, EXAMPLES / "serve_digits.py"]
    folder = ["--folder", tmp_path]
    run = subprocess.run([*command, "measure", *folder], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for name in ("digits.onnx", "digits.joblib"):
        assert re.search(rf"^{name}  .* 200 of 200$", run.stdout, re.M)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = subprocess.run(
            [*command, "serve", *folder, "--port", port], capture_output=True, text=True
        )
    assert run.returncode == 1
    assert f"Port {port} is in use" in run.stderr
