"""Captum where it is installed, and what to do where it is not."""

from importlib import import_module


def import_captum(who, name="captum.attr"):
    """Import a module of captum, or one of ours that needs it.

    Raises
    ------
    ImportError
        If captum is missing.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"{who} needs captum: pip install 'sknets[images]'") from error
