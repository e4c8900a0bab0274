"""Runs of MLflow and TensorBoard: what was fitted, how it went, and what came out."""

from sknets.tracking._mlflow import MLflowRun
from sknets.tracking._search import track_search
from sknets.tracking._tensorboard import TensorBoardRun

__all__ = ["MLflowRun", "TensorBoardRun", "track_search"]
