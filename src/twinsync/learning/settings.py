"""Settings of the learners. Their defaults are Table III as printed, and conventions where it is silent.

Each field's metadata has its symbol, meaning, the tag of its default value and the reason for it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from twinsync.allocators.networks import Activation, Architecture, InitialWeights
from twinsync.environment.dtsync import CycleEnd, DTSync
from twinsync.environment.interface import EdgeCpu, Encoding, Extraction, Interface, Observation
from twinsync.errors import InputError
from twinsync.learning.ranges import Ranges
from twinsync.scenario import Scenario

Target = Literal["hard", "soft"]
CriticReward = Literal["total", "devices"]
RewardScale = Literal["device", "none"]

REWARD_UNIT = 10.0  # scale of the reward per device; makes it O(1) in the paper's scenario


def _setting(default: Any, symbol: str, tag: str, meaning: str, source: str, *, later: bool = False) -> Any:
    """A field with its metadata. `later`: added after results had been stored; its default is the earlier behaviour."""
    about = {"symbol": symbol, "tag": tag, "meaning": meaning, "source": source, "later": later}
    return field(default=default, metadata=about)


_NOT_PRINTED = "not printed; the usual choice"
_WEIGHTS = "weights at the start: LeCun's uniform, or orthogonal with gain sqrt(2) in hidden layers"


@dataclass(frozen=True)
class Face:
    """What a learner observes and decides; common to all algorithms.

    The settings of a learner are a subclass. `algorithm` is its name in commands and stored results; `policy_heads` is
    the number of network outputs per decision (2: mean and log standard deviation).
    """

    algorithm: ClassVar[str]
    policy_heads: ClassVar[int] = 1

    observation: Observation = _setting("paper", "S", "stated", "what the policy sees", "eq. (20)")
    edge_cpu: EdgeCpu = _setting("requests", "f_e", "stated", "edge CPU as penalised requests or as shares", "eq. (22)")
    extraction: Extraction = _setting(
        "chosen", "phi", "stated", "phi by the policy, fixed at 1, or random", "Section V"
    )

    @property
    def interface(self) -> Interface:
        """The environment's interface."""
        return Interface(self.observation, self.edge_cpu, self.extraction)

    def environment(self, scenario: Scenario) -> DTSync:
        """The environment that the learner is trained in."""
        return DTSync(scenario, self.interface)

    def check(self) -> None:
        """Raise `InputError` for settings that do not fit together; `check_settings` checks each by itself."""


@dataclass(frozen=True)
class Bootstrapping(Face):
    """Further settings of learners that bootstrap values from one slot to the next."""

    cycle_end: CycleEnd = _setting(
        "terminal",
        "",
        "assumed",
        "whether values stop at a cycle's end",
        "the paper is silent; the objective (19a) is a finite sum",
    )
    reward_scale: RewardScale = _setting(
        "device", "", "assumed", "learners see the reward divided by 10 K (device), or as (22) has it (none)",
        "the paper is silent; O(1) for any K, the scale that the printed learning rate and a temperature of 1 suit",
        later=True,
    )  # fmt: skip
    encoding: Encoding = _setting(
        "affine", "S", "assumed", "state scaled by its range (affine), in metres and Mbit (unscaled), or as "
        "dimensionless groups (physical)", "the paper is silent; networks learn best from inputs of O(1)", later=True,
    )  # fmt: skip
    initial_weights: InitialWeights = _setting(
        "lecun", "", "convention", _WEIGHTS, "not printed; keeps the variance of a layer's inputs", later=True
    )

    @property
    def interface(self) -> Interface:
        """The environment's interface."""
        return Interface(self.observation, self.edge_cpu, self.extraction, self.encoding)

    def environment(self, scenario: Scenario) -> DTSync:
        """The environment that the learner is trained in."""
        return DTSync(scenario, self.interface, self.cycle_end)

    def reward_factor(self, device_count: int) -> float:
        """Factor by which the learner scales the reward (22)."""
        return 1.0 if self.reward_scale == "none" else 1.0 / (REWARD_UNIT * device_count)


@dataclass(frozen=True)
class SacSettings(Bootstrapping):
    """Soft actor-critic, Section IV-B and Algorithm 1. The defaults are Table III; `SAC_TUNED` is what works."""

    algorithm: ClassVar[str] = "sac"
    policy_heads: ClassVar[int] = 2

    learning_rate: float = _setting(1e-4, "lr", "stated", "Adam's learning rate, all networks", "Table III")
    slots: int = _setting(100_000, "n_epoch n_step", "stated", "environment slots: 20 epochs of 5000", "Table III")
    batch_size: int = _setting(256, "", "stated", "transitions in a mini-batch", "Table III")
    buffer_size: int = _setting(1_000_000, "B", "stated", "replay memory; allocated up to the slots seen", "Table III")
    learning_rate_end: float = _setting(
        1.0, "", "stated", "share of the learning rate left at the end, falling linearly", "Table III: constant"
    )
    discount: float = _setting(0.99, "gamma", "stated", "discount factor", "Table III")
    hidden: tuple[int, ...] = _setting((256, 256), "", "assumed", "hidden layers; two are printed", "width not printed")
    target: Target = _setting(
        "hard", "", "assumed", "copy every target_period updates, or move softly", "Table III says periodically"
    )
    target_period: int = _setting(320, "", "stated", "updates between hard copies of the target", "Table III")
    target_rate: float = _setting(0.005, "", "convention", "step of the soft target", _NOT_PRINTED)
    parallel_slots: int = _setting(1, "", "stated", "environment copies stepped at once", "Algorithm 1")
    updates_per_step: int = _setting(1, "", "stated", "updates after each (parallel) step", "Algorithm 1")
    warmup_slots: int = _setting(
        256,
        "",
        "assumed",
        "slots before the first update, actions uniform",
        "the paper is silent; a first full mini-batch",
    )
    architecture: Architecture = _setting(
        "flat", "", "convention", "networks on flat vectors, or set networks", "the paper is silent"
    )
    initial_alpha: float = _setting(1.0, "alpha", "convention", "temperature at the start", "not printed; ln alpha = 0")
    critic_reward: CriticReward = _setting(
        "total", "r", "stated", "the critic learns the reward, or each device's part of the sum", "eq. (26)"
    )
    entropy_per_decision: float = _setting(
        -1.0, "H_0", "convention", "target entropy per decided number (H_0 = -4K)", "not printed; -dim(A)"
    )
    entropy_drop: float = _setting(
        0.0, "H_0", "convention", "how far the target entropy per decided number falls, linearly, until the end",
        "not printed; a constant target", later=True,
    )  # fmt: skip
    critics: int = _setting(
        2, "Q", "convention", "critics, 1 or 2; of two the minimum counts", "Algorithm 1 initialises two", later=True
    )
    critic_activation: Activation = _setting(
        "relu", "Q", "convention", "what follows each hidden layer of a critic", _NOT_PRINTED, later=True
    )

    def check(self) -> None:
        """Raise `InputError` for more than two critics, if the critic cannot learn each device's part, or if training
        would end before the first update."""
        if self.warmup_slots >= self.slots:
            raise InputError(
                f"warmup_slots = {self.warmup_slots} leaves no update in slots = {self.slots}; raise slots or lower "
                "warmup_slots"
            )
        if self.critics > 2:
            raise InputError(f"critics = {self.critics} must be 1 or 2")
        if self.critic_reward == "devices" and self.architecture != "set":
            raise InputError("critic_reward = devices needs architecture = set, whose critic is a sum over devices")


@dataclass(frozen=True)
class PpoSettings(Bootstrapping):
    """Proximal policy optimisation, the paper's benchmark. The paper prints no settings; these are the usual ones."""

    algorithm: ClassVar[str] = "ppo"

    learning_rate: float = _setting(3e-4, "lr", "convention", "Adam's learning rate", _NOT_PRINTED)
    slots: int = _setting(100_000, "n_epoch n_step", "stated", "environment slots, as for SAC", "Table III")
    rollout_slots: int = _setting(2048, "", "convention", "slots between updates, all copies together", _NOT_PRINTED)
    parallel_slots: int = _setting(8, "", "convention", "environment copies stepped at once", _NOT_PRINTED)
    passes: int = _setting(10, "", "convention", "passes over a rollout", _NOT_PRINTED)
    batch_size: int = _setting(64, "", "convention", "slots in a mini-batch", _NOT_PRINTED)
    learning_rate_end: float = _setting(
        1.0, "", "stated", "share of the learning rate left at the end, falling linearly", "Table III: constant"
    )
    discount: float = _setting(0.99, "gamma", "stated", "discount factor", "Table III")
    gae_decay: float = _setting(0.95, "lambda", "convention", "decay of the advantage estimate", _NOT_PRINTED)
    clip: float = _setting(0.2, "", "convention", "clip of the probability ratio", _NOT_PRINTED)
    value_weight: float = _setting(0.5, "", "convention", "weight of the value loss", _NOT_PRINTED)
    initial_log_std: float = _setting(0.0, "", "convention", "log standard deviation at the start", _NOT_PRINTED)
    gradient_clip: float = _setting(0.5, "", "convention", "largest norm of a gradient", _NOT_PRINTED)
    hidden: tuple[int, ...] = _setting((256, 256), "", "assumed", "hidden layers, as for SAC", "same nets as SAC")
    architecture: Architecture = _setting(
        "flat", "", "convention", "networks on flat vectors, or set networks", "the paper is silent"
    )
    initial_weights: InitialWeights = _setting(
        "orthogonal", "", "convention", _WEIGHTS, "not printed; usual for PPO, and worth 8 % of its cost here"
    )

    def check(self) -> None:
        """Raise `InputError` unless a rollout is a multiple of the mini-batch and of the parallel copies, and a
        mini-batch has two slots or more."""
        if self.batch_size < 2:
            raise InputError("batch_size = 1 must be at least 2: advantages are relative to a mini-batch's mean")
        for name in ("batch_size", "parallel_slots"):
            if self.rollout_slots % getattr(self, name):
                raise InputError(
                    f"rollout_slots = {self.rollout_slots} must be a multiple of {name} = {getattr(self, name)}"
                )


_OURS = "not in the paper"


@dataclass(frozen=True)
class GradientSettings(Face):
    """Training by the gradient of the expected cost, which is not in the paper."""

    algorithm: ClassVar[str] = "gradient"

    edge_cpu: EdgeCpu = _setting("shares", "f_e", "convention", "edge CPU as shares of the server", _OURS)
    learning_rate: float = _setting(1e-2, "lr", "convention", "Adam's learning rate at the start", _OURS)
    learning_rate_end: float = _setting(
        0.01, "", "convention", "share of the learning rate left at the end, falling linearly", _OURS
    )
    slots: int = _setting(60_000, "", "convention", "slots drawn, each under all its fading draws", _OURS)
    batch_size: int = _setting(100, "", "convention", "slots in an update, in whole cycles", _OURS)
    fading_draws: int = _setting(
        8, "M", "convention", "fadings each slot is judged under, one from each stratum", _OURS
    )
    hidden: tuple[int, ...] = _setting((64, 64), "", "convention", "hidden layers of the set network", _OURS)
    saturation: float = _setting(0.01, "", "convention", "weight of outputs beyond the reach of tanh, squared", _OURS)
    ranges: Ranges = _setting("scenario", "", "convention", "scenarios met: the one given, or a wide range", _OURS)

    @property
    def interface(self) -> Interface:
        """The environment's interface, with dimensionless groups as observation."""
        return Interface(self.observation, self.edge_cpu, self.extraction, "physical")


Settings = SacSettings | PpoSettings | GradientSettings


def deciding(settings: Settings) -> dict[str, Any]:
    """The settings that identify a result, by name: all except later additions that have their default.

    A later addition's default is the earlier behaviour, so results stored before it keep their identity.
    """
    fields = dataclasses.fields(settings)
    kept = (item for item in fields if not (item.metadata["later"] and getattr(settings, item.name) == item.default))
    return {item.name: getattr(settings, item.name) for item in kept}
