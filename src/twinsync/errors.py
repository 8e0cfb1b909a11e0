"""The one exception that means: the user's input was wrong."""


class InputError(ValueError):
    """Bad input. Its message is one line that names the thing and the fix; the command line exits with 2."""


def install(extra: str) -> str:
    """How to install one of the package's extras, as part of a message."""
    return f'pip install ".[{extra}]" in the checkout'
