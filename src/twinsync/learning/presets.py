"""Named settings of each algorithm: as printed, and tuned, with a reason for each value that differs."""

from __future__ import annotations

from twinsync.errors import InputError
from twinsync.learning.settings import GradientSettings, PpoSettings, SacSettings, Settings
from twinsync.suggest import did_you_mean

# What the tuned presets change, and why; reports print these lines beside the numbers.
TUNED_REASONS = {
    "discount": "no action changes a later slot: gamma > 0 only adds later slots' noise to the critic",
    "edge_cpu": "shares keep (19h) by construction; requests start far above the server and P_f drowns everything else",
    "architecture": "devices are exchangeable and the reward is a sum over them: a set network uses every UD's data",
    "learning_rate": "with gamma = 0 the critic is a regression, which a larger step learns sooner",
    "learning_rate_end": "a falling rate averages the last updates' noise",
    "rollout_slots": "smaller rollouts, more of them: the policy moves sooner",
    "hidden": "one device's decision is a small function; a narrower network trains faster",
    "parallel_slots": "many fresh slots for each update: later slots do not depend on the action",
    "updates_per_step": "16 slots come at once; two updates draw each of them about 30 times until the end",
    "critic_reward": "the reward is a sum over devices; its parts carry K times less noise of others' fading",
    "warmup_slots": "a first memory wide enough for larger steps",
    "gae_decay": "with gamma = 0 the advantage is the slot's own",
    "initial_alpha": "good actions differ by per cents of a reward of O(1); alpha = 1 drowns that for long",
    "entropy_drop": "full power is best, the edge of what tanh reaches: a constant target holds the policy off it",
    "critics": "with gamma = 0 nothing is bootstrapped, so there is no overestimation that a minimum would prevent",
    "critic_activation": "the actor climbs the critic's slope, which is smooth with tanh and in steps with relu",
}

SAC_TUNED = SacSettings(
    discount=0.0,
    edge_cpu="shares",
    architecture="set",
    learning_rate=2e-3,
    learning_rate_end=0.05,
    hidden=(64, 64),
    parallel_slots=16,
    updates_per_step=2,
    warmup_slots=1024,
    initial_alpha=0.005,
    critic_reward="devices",
    entropy_drop=2.0,
    critics=1,
    critic_activation="tanh",
)
PPO_TUNED = PpoSettings(
    discount=0.0,
    gae_decay=0.0,
    edge_cpu="shares",
    architecture="set",
    learning_rate=3e-3,
    learning_rate_end=0.05,
    hidden=(64, 64),
    parallel_slots=16,
    rollout_slots=512,
)

# A policy that observes the channel has more to learn: a wider network, more slots.
GRADIENT_CSI = GradientSettings(observation="csi", slots=150_000, learning_rate=5e-3, hidden=(128, 128))
# One network for any K and a wide range of scenarios.
GRADIENT_GENERAL = GradientSettings(ranges="wide", slots=2_400_000, batch_size=800, fading_draws=4, learning_rate=5e-3)

PRESETS: dict[tuple[str, str], Settings] = {
    ("sac", "paper"): SacSettings(),
    ("sac", "tuned"): SAC_TUNED,
    ("ppo", "paper"): PpoSettings(),
    ("ppo", "tuned"): PPO_TUNED,
    ("gradient", "tuned"): GradientSettings(),
    ("gradient", "csi"): GRADIENT_CSI,
    ("gradient", "general"): GRADIENT_GENERAL,
}


def find_settings(algorithm: str, preset: str) -> Settings:
    """The settings of an algorithm's preset. Raises `InputError` if either is unknown."""
    algorithms = list(dict.fromkeys(pair[0] for pair in PRESETS))
    if algorithm not in algorithms:
        hint = did_you_mean(algorithm, algorithms)
        raise InputError(f"unknown algorithm {algorithm!r}{hint}; give one of {', '.join(algorithms)}")
    presets = [pair[1] for pair in PRESETS if pair[0] == algorithm]
    if preset not in presets:
        hint = did_you_mean(preset, presets)
        raise InputError(f"unknown preset {preset!r} of {algorithm}{hint}; give one of {', '.join(presets)}")
    return PRESETS[algorithm, preset]
