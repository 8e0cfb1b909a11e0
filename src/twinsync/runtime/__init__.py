"""Trained policies without JAX: load one exported file and decide, with NumPy alone.

`twinsync export` writes the file. Nothing in here may import more than NumPy and the standard library.
"""

from twinsync.runtime.files import load_policy
from twinsync.runtime.policy import Decision, OutsideTraining, RuntimePolicy

__all__ = ["Decision", "OutsideTraining", "RuntimePolicy", "load_policy"]
