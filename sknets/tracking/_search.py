"""Runs of many fits under the run of what fits them."""

from contextlib import ExitStack, contextmanager

from sknets.tracking._run import TrackedRun


@contextmanager
def track_search(search, *, name=None):
    """Keep the runs of all fits within, under one run of the search.

    It is for whatever fits clones of a network with an `MLflowRun` or a `TensorBoardRun` among its
    `callbacks`: searches, ensembles, cross-validation, also in processes and threads (`n_jobs`). In the
    end it writes ``best_params_``, ``best_score_`` and ``cv_results_``, if the search has them.

    Parameters
    ----------
    search : estimator
        What is going to be fitted, with the callback somewhere in its parameters.
    name : str, default=None
        Name of the run; None takes the name of the search's class.

    Yields
    ------
    str or list of str
        The id of the search's run; a list where the callbacks keep several.

    Raises
    ------
    ValueError
        If there is no such callback in the parameters of the search.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sknets import MLPRegressor
    >>> from sknets.tracking import TensorBoardRun, track_search
    >>> network = MLPRegressor(callbacks=[TensorBoardRun("runs", model=False)])
    >>> search = GridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=3)
    >>> with track_search(search, name="alpha"):  # doctest: +SKIP
    ...     search.fit(X, y)
    """
    if name is not None and not (isinstance(name, str) and name.strip()):
        raise ValueError(f"name must be a text or None, got {name!r}.")
    groups = _find_runs(search)
    if not groups:
        raise ValueError(
            f"search={type(search).__name__}(...) has no MLflowRun or TensorBoardRun among its "
            "parameters; give one to the network in it: callbacks=[MLflowRun('mlruns')]."
        )
    with ExitStack() as stack:
        ids = [
            stack.enter_context(_search_run(runs, search, name or type(search).__name__))
            for runs in groups
        ]
        yield ids[0] if len(ids) == 1 else ids


def _find_runs(search):
    """Return the runs in the parameters of an estimator: lists of those that have equal parameters."""
    found = {}
    for value in search.get_params(deep=True).values():
        for run in value if isinstance(value, list | tuple) else ():
            if isinstance(run, TrackedRun):
                key = (type(run), repr(run.get_params()))
                found.setdefault(key, {})[id(run)] = run
    return [list(runs.values()) for runs in found.values()]


@contextmanager
def _search_run(runs, search, name):
    parent = runs[0].parent
    keeper = type(runs[0])(**runs[0].get_params())  # none of those that are fitted within
    run_id = keeper.begin_search(name)
    try:
        for run in runs:
            run.parent = run_id  # a parameter, which clones and processes have, too
        yield run_id
    except BaseException as error:
        keeper.end_search(search, error)
        raise
    finally:
        for run in runs:
            run.parent = parent
    keeper.end_search(search)
