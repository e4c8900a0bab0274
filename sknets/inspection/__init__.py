"""Looking into a fitted estimator."""

from sknets.inspection._training_curve import TrainingCurveDisplay

__all__ = ["TrainingCurveDisplay"]
