"""Activations of hidden units, under scikit-learn's names where it has one."""

from torch import nn

ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,  # slope 0.01 below zero
    "prelu": nn.PReLU,  # one learned slope per layer, 0.25 at first
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
