"""What is wrong with a file."""


class ContentError(ValueError):
    """Says what is wrong with a file, as the rest of a sentence that begins with its name."""
