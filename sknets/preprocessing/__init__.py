"""What is done to X before, or while, a network learns."""

from sknets.preprocessing._augmentation import Augmentation

__all__ = ["Augmentation"]
