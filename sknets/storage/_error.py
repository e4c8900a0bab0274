"""What is wrong with a file, or with what reads it."""


class ContentError(ValueError):
    """Says what is wrong with a file, as the rest of a sentence that begins with its name."""


class MissingPackageError(ImportError):
    """A package that files need is not installed."""

    def __init__(self, who, package):
        super().__init__(f"{who} {package}. Install it with: pip install 'sknets[files]'")
