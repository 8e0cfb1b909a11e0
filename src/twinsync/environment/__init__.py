"""Section IV-A: state, action and reward as a functional JAX environment, and its Gymnasium face.

Importing this package registers `twinsync/DTSync-v0` with Gymnasium.
"""

from twinsync.environment import registration
from twinsync.environment.dtsync import DTSync, EnvState, Step
from twinsync.environment.interface import Interface, observe, to_allocation
from twinsync.environment.rollout import Rollout, rollout
from twinsync.environment.sight import Sight, see

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
