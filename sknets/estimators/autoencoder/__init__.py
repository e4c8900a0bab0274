"""The autoencoders: a code of few numbers, from which rows are made again."""

from sknets.estimators.autoencoder._autoencoder import Autoencoder
from sknets.estimators.autoencoder._cnn_autoencoder import CNNAutoencoder
from sknets.estimators.autoencoder._rnn_autoencoder import RNNAutoencoder

__all__ = ["Autoencoder", "CNNAutoencoder", "RNNAutoencoder"]
