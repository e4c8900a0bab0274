"""Which kind of opened network an estimator makes, by what its network can do."""

from sknets.inspection._opened_images import OpenedImageNetwork
from sknets.inspection._opened_sequences import OpenedSequences
from sknets.inspection._opened_table import OpenedTable
from sknets.inspection._unwrap import IS_DENSE, IS_FOREIGN, REMEMBERS, SEES_IMAGES, unwrap

_KINDS = {
    SEES_IMAGES: OpenedImageNetwork,
    REMEMBERS: OpenedSequences,
    IS_DENSE: OpenedTable,
    IS_FOREIGN: OpenedTable,
}


def open_network(estimator, X, abilities=tuple(_KINDS)):
    """Open the network in an estimator.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    X : array-like
        Data as the estimator takes them.
    abilities : tuple of Ability, default=all
        Of which the network must have one.

    Returns
    -------
    OpenedImageNetwork, OpenedSequences or OpenedTable
    """
    network, _ = unwrap(estimator, abilities)
    kind = next(_KINDS[ability] for ability in abilities if ability.fits(network))
    return kind(estimator, X)
