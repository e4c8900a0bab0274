"""What is done to X before, or while, a network learns."""

from sknets.preprocessing._augmentation import Augmentation
from sknets.preprocessing._sliding_windows import SlidingWindows
from sknets.preprocessing._token_sequences import TokenSequences

__all__ = ["Augmentation", "SlidingWindows", "TokenSequences"]
