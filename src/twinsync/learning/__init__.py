"""Section IV-B: learners, jitted end to end and run for several seeds at once. They train `allocators.policy`."""

from twinsync.learning.presets import PPO_TUNED, SAC_TUNED
from twinsync.learning.run import RunConfig, train
from twinsync.learning.settings import PpoSettings, SacSettings
from twinsync.learning.training import Training, advance, start_training

__all__ = [
    "PPO_TUNED",
    "SAC_TUNED",
    "PpoSettings",
    "RunConfig",
    "SacSettings",
    "Training",
    "advance",
    "start_training",
    "train",
]
