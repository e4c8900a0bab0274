"""What `sknets.inspection` shows of fitted networks, and their summaries."""

from bits import _data as d
from bits._networks import CNN, NETWORKS, RNN
from sknets import CNNClassifier, RNNClassifier
from sknets.inspection import (
    grad_cam,
    gradient_flow,
    integrated_gradients,
    layer_activations,
    layer_relevance,
    learned_filters,
    occlusion,
)

FEW = d.IMAGES[:6]


def summary(network):
    return lambda: {"summary": network.make().fit(network.X, network.y).summary()}


def look(function, *args, **params):
    """Return a case that looks into a network of images."""

    def case():
        network = CNNClassifier(**CNN, dtype="float64", **params).fit(d.IMAGES, d.DIGITS)
        return {"seen": function(network, *args)}

    return case


def flow(X=d.CUBE, **params):
    network = RNNClassifier(**RNN, **params)
    return lambda: {"flow": gradient_flow(network.fit(X, d.CUBE_KINDS), X)}


INSPECTED = {f"{name}, summary": summary(network) for name, network in NETWORKS.items()}
INSPECTED |= {
    "filters": look(learned_filters),
    "activations": look(layer_activations, FEW),
    "Grad-CAM": look(grad_cam, FEW),
    "integrated gradients": look(integrated_gradients, FEW),
    "occlusion": look(occlusion, FEW),
    "relevance": look(layer_relevance, FEW),
    "relevance, residual": look(layer_relevance, FEW, residual=True),
    "gradient flow": flow(),
    "gradient flow, ragged": flow(d.RAGGED, cell="gru"),
}
