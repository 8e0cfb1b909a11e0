"""The exception for wrong user input, and what reading a damaged archive may raise."""

import zipfile
import zlib

DAMAGED = (
    *(OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),
    *(AttributeError, KeyError, TypeError, ValueError),
)


class InputError(ValueError):
    """Bad input. The message is one line that names what is wrong and how to fix it; commands exit with code 2."""


def install(extra: str) -> str:
    """The command that installs one of the package's extras, for use in an error message."""
    return f'pip install ".[{extra}]" in the checkout'
