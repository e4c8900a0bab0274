"""The autoencoder: a code of few numbers, from which rows are made again."""

from sknets.estimators.autoencoder._autoencoder import Autoencoder

__all__ = ["Autoencoder"]
