"""Whatever the caller has changed in Torch, a look inside shows the same."""

import numpy as np
import pytest

from sknets import RNNRegressor, inspection
from tests.inspection.networks import X_NEW, fit
from tests.torch_modes import MODES, modes

NETWORK = fit(max_iter=1)
READER = RNNRegressor(recurrent_layer_sizes=(4,), max_iter=1, random_state=0)
READER.fit(X_NEW, np.arange(30.0))

LOOKS = {
    "layer_activations": lambda: inspection.layer_activations(NETWORK, X_NEW)["conv1"],
    "learned_filters": lambda: inspection.learned_filters(NETWORK),
    "grad_cam": lambda: inspection.grad_cam(NETWORK, X_NEW),
    "layer_relevance": lambda: inspection.layer_relevance(NETWORK, X_NEW),
    "integrated_gradients": lambda: inspection.integrated_gradients(NETWORK, X_NEW, n_steps=4),
    "occlusion": lambda: inspection.occlusion(NETWORK, X_NEW),
    "gradient_flow": lambda: inspection.gradient_flow(READER, X_NEW)["norms"],
    "HeatmapDisplay": lambda: inspection.HeatmapDisplay.from_estimator(NETWORK, X_NEW[:2]).heatmaps[
        "Grad-CAM"
    ],
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("mode", MODES)
def test_a_look_inside_is_the_same(mode, look):
    expected = LOOKS[look]()
    with MODES[mode]():
        before = modes()
        found = LOOKS[look]()
        assert modes() == before
    np.testing.assert_array_equal(found, expected)
