"""What is scikit-learn's, by skops."""

from sknets._extras import needed
from sknets.files._classes import CLASSES, key_of
from sknets.storage import check_zip


def import_skops():
    """Import skops.io.

    Raises
    ------
    MissingPackageError
        If it is missing.
    """
    who = "A file of what is around an estimator of sknets (a pipeline, say)"
    with needed(who, "skops", "files"):
        import skops.io
    return skops.io


def dump_foreign(value, where):
    """Return something of scikit-learn's as bytes.

    Raises
    ------
    TypeError
        If skops cannot write it.
    """
    skops = import_skops()
    try:
        return skops.dumps(value)
    except RecursionError as error:
        raise TypeError(
            f"{where} cannot be written by skops: something in it holds itself, as a step of "
            "scikit-learn does after set_fit_request. Set such requests after the load."
        ) from error
    except (TypeError, AttributeError, ValueError) as error:
        # of skops's UnsupportedTypeException, a TypeError
        raise TypeError(f"{where} cannot be written by skops: {error}") from error


def load_foreign(data, given):
    """Return what `dump_foreign` wrote.

    Parameters
    ----------
    data : bytes
        The part of the file.
    given : Given
        What the reader trusts.

    Raises
    ------
    ValueError
        If it holds something that neither skops nor the reader trusts.
    """
    skops = import_skops()
    check_zip(data)
    ours = {key_of(cls) for cls in CLASSES.values()}
    untrusted = set(skops.get_untrusted_types(data=data)) - ours
    given.require(untrusted)
    return skops.loads(data, trusted=[*ours, *untrusted])
