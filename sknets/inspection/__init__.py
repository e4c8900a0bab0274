"""Looking into a fitted estimator."""

from sknets.inspection._activations import layer_activations
from sknets.inspection._filters import learned_filters
from sknets.inspection._grad_cam import grad_cam
from sknets.inspection._gradient_flow import gradient_flow
from sknets.inspection._gradient_flow_display import GradientFlowDisplay
from sknets.inspection._heatmap_display import HeatmapDisplay
from sknets.inspection._integrated_gradients import integrated_gradients
from sknets.inspection._learning_rate import find_learning_rate
from sknets.inspection._learning_rate_display import LearningRateDisplay
from sknets.inspection._loss_surface_display import LossSurfaceDisplay
from sknets.inspection._maps_displays import ActivationsDisplay, FiltersDisplay
from sknets.inspection._network_diagram import NetworkDiagram
from sknets.inspection._nonlinear_displays import NonlinearFitDisplay, ResidualsDisplay
from sknets.inspection._occlusion import occlusion
from sknets.inspection._parameter_path import ParameterPath
from sknets.inspection._population_displays import LeaderboardDisplay, PopulationDisplay
from sknets.inspection._profile_display import ProfileDisplay
from sknets.inspection._relevance import layer_relevance
from sknets.inspection._training_curve import TrainingCurveDisplay
from sknets.inspection.diagnosis import Diagnosis, diagnose

__all__ = [
    "ActivationsDisplay",
    "Diagnosis",
    "FiltersDisplay",
    "GradientFlowDisplay",
    "HeatmapDisplay",
    "LeaderboardDisplay",
    "LearningRateDisplay",
    "LossSurfaceDisplay",
    "NetworkDiagram",
    "NonlinearFitDisplay",
    "ParameterPath",
    "PopulationDisplay",
    "ProfileDisplay",
    "ResidualsDisplay",
    "TrainingCurveDisplay",
    "diagnose",
    "find_learning_rate",
    "grad_cam",
    "gradient_flow",
    "integrated_gradients",
    "layer_activations",
    "layer_relevance",
    "learned_filters",
    "occlusion",
]
