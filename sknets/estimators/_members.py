"""Ensembles of networks that differ by their seed: one fit of several, one prediction of all."""

import copy

import joblib
from sklearn.base import clone

from sknets import training
from sknets._interrupts import interrupts_end_all
from sknets.parallel import run_all


def check_n_members(estimator):
    """Raise ValueError if a fit goes on with another number of networks."""
    known = vars(estimator)
    before = len(known["members_"]) if "members_" in known else 1
    if "_learned" in known and estimator.n_members != before:
        raise ValueError(
            f"n_members has changed from {before} to {estimator.n_members} since the first call, but "
            "networks that go on stay as many as they are. Set it back, or fit a new estimator (or with "
            "warm_start=False)."
        )


def fit_members(estimator, earlier, fit):
    """Return fitted estimators of one network each, trained as stacks where they can be.

    Parameters
    ----------
    estimator : BaseNet
        Whose `n_members` it is; its parameters are checked.
    earlier : list of BaseNet or None
        Those that go on, which stay as they are: copies do.
    fit : callable
        ``fit(member)`` fits one of them and returns it.

    Raises
    ------
    ValueError
        If their predictions have no mean.
    """
    own = {name: getattr(estimator, name) for name in estimator._page.names}
    params = estimator.get_params(deep=False) | own | {"n_members": 1, "calibrate": False}
    if earlier is not None:
        members = copy.deepcopy(earlier)
        for member in members:
            callbacks = clone(estimator.callbacks, safe=False)  # each has its own
            own = {"random_state": member.random_state, "callbacks": callbacks}
            vars(member).update(params | own)
    else:
        generator = training.make_generator(estimator.random_state)
        members = [clone(estimator) for _ in range(estimator.n_members)]
        for member in members:
            member.n_members, member.calibrate = 1, False
            member.random_state = training.draw_seed(generator)
    with interrupts_end_all():
        members = run_all(joblib.delayed(fit)(member) for member in members)
    if not members[0]._learned.target.can_be_pooled:
        raise ValueError(
            f"n_members={estimator.n_members}: sequences that each network writes by itself have no "
            "mean; set n_members=1."
        )
    return members
