"""Fitted pipelines as graphs that other runtimes run, and small networks in the place of large models."""

from sknets.graphs._distill import distill
from sknets.graphs._feed import make_feed
from sknets.graphs._registration import register_when_imported
from sknets.graphs._to_onnx import to_onnx

__all__ = ["distill", "make_feed", "to_onnx"]

register_when_imported()
