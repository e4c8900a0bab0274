"""What is said where a fit has not found a minimum."""

import numpy as np

_HELP = (
    "Write the value of one into model, set bounds, start from another theta0 (or n_starts above 1), or "
    "take rows that tell them apart."
)


def advise(path, parameters, solver, max_iter):
    """Return what to say about a fit that has not converged."""
    offset = path.ending.local.offset
    where = f"solver={solver!r} ended at a relative offset of {offset:.1e}"
    others = "another theta0, n_starts above 1"
    if solver != "lm":
        others += " or solver='lm'"
    if solver == "gd":
        others += ", or give parameters units in which they are of similar size"
    match path.stop_reason:
        case "unidentified":
            return _say_unidentified(path, parameters)
        case "max_iter":
            return (
                f"{where} after max_iter={max_iter} iterations, before the sum of squares was at its "
                f"minimum. Increase max_iter, or try {others}."
            )
        case "saddle":
            return (
                f"{where}, at a saddle or a maximum: the sum of squares bends down there, but no step "
                f"lowers it. Try {others}."
            )
    together = path.estimate.nearly_unidentified
    if len(together):
        return (
            f"{where}, where no step lowers the sum of squares further: the data determine "
            f"{parameters.say(together)} almost only together: one can make up for another. {_HELP}"
        )
    return (
        f"{where}, where no step lowers the sum of squares further. The model may have a kink or a jump "
        f"there (abs, clamp, round, comparisons), or be too steep to follow. Try {others}."
    )


def _say_unidentified(path, parameters):
    estimate = path.estimate
    without = estimate.without_effect
    others = np.setdiff1d(estimate.unidentified, without)
    said = []
    if len(without):
        place = without[0]
        verb = "has" if len(without) == 1 else "have"
        said.append(
            f"{parameters.say(without)} {verb} no effect on the fitted values where the fit ended "
            f"({parameters.names[place]} = {estimate.point[place]:.3g})"
        )
    if len(others):
        said.append(
            f"the data determine {parameters.say(others)} only together: one can make up for another"
        )
    return f"Not identified: {'; '.join(said)}. {_HELP}"
