"""Captum where it is installed, and what to do where it is not."""

from importlib import import_module

from sknets._extras import needed


def import_captum(who, name="captum.attr"):
    """Import a module of captum, or one of ours that needs it.

    Raises
    ------
    ImportError
        If captum is missing.
    """
    with needed(who, "captum", "images"):
        return import_module(name)
