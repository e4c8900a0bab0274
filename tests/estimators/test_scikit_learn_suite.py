"""scikit-learn's own tests of its networks, run on ours.

The test file of the installed scikit-learn is taken as it is, but for its import. Left out are tests of
what is private there; what they check is checked here on public ground (named beside each).
"""

import subprocess
import sys
from pathlib import Path

import pytest
import sklearn.neural_network.tests

ITS_IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OURS = "from sknets import MLPClassifier, MLPRegressor"

LEFT_OUT = {
    # writes coefs_ and a dozen private attributes into an estimator that has not been fitted;
    # see test_closed_forms.py, test_worked_step_by_hand
    "test_fit",
    # calls _loss_grad_lbfgs; see test_losses.py, test_gradient_equals_finite_differences
    "test_gradient",
    # read _optimizer.learning_rate; see test_mlp_options.py, test_schedule_is_recorded and
    # test_adaptive_rate_falls_until_it_stops
    "test_learning_rate_warmstart",
    "test_adaptive_learning_rate",
    # read _no_improvement_count; see test_mlp_options.py, test_patience_counts_epochs
    "test_n_iter_no_change",
    "test_n_iter_no_change_inf",
}


def test_scikit_learns_tests_pass(tmp_path):
    source = Path(sklearn.neural_network.tests.__file__).with_name("test_mlp.py")
    if not source.exists():
        pytest.skip("this scikit-learn was installed without its tests")
    text = source.read_text("utf-8")
    assert text.count(ITS_IMPORT) == 1
    assert all(f"def {name}(" in text for name in LEFT_OUT)
    (tmp_path / "test_mlp.py").write_text(text.replace(ITS_IMPORT, OURS), "utf-8")
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\n\n@pytest.fixture\ndef global_random_seed():\n    return 42\n"
    )
    deselected = [f"--deselect=test_mlp.py::{name}" for name in LEFT_OUT]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *deselected,
            "test_mlp.py",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    summary = run.stdout.splitlines()[-1]
    assert "53 passed" in summary or int(summary.split()[0]) > 53, summary
    assert "6 deselected" in summary
    assert "failed" not in summary
    assert "skipped" not in summary
