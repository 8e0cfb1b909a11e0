"""Section IV-A: state, action and reward as a functional JAX environment, and as Gymnasium environments.

Importing this package registers `twinsync/DTSync-v0` with Gymnasium.
"""

from twinsync.environment import registration
from twinsync.environment.dtsync import DTSync, EnvState, Rollout, Step, rollout
from twinsync.environment.interface import Interface, Sight, observe, see, to_allocation

__all__ = [
    "DTSync",
    "EnvState",
    "Interface",
    "Rollout",
    "Sight",
    "Step",
    "observe",
    "registration",
    "rollout",
    "see",
    "to_allocation",
]
