"""The main job: the example that `make demo` runs, and what it must show."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_hitters_example_shows_that_both_networks_win(tmp_path):
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
    assert picture.stat().st_size > 20_000
    assert "100%" in run.stderr  # the progress bar
