"""Section IV-A: state, action and reward as a functional JAX environment, and its Gymnasium face."""

from twinsync.environment.dtsync import DTSync, EnvState, Step
from twinsync.environment.interface import Interface, Sight, observe, see, to_allocation

__all__ = ["DTSync", "EnvState", "Interface", "Sight", "Step", "observe", "see", "to_allocation"]
