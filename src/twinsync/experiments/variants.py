"""The studies of variants: schemes as printed and repaired with one setting changed at a time, and in another library.

Towards: as printed, with one setting as repaired. Back: repaired, with one setting as printed. In both directions some
changes are to another reading of what the paper leaves open. The random strategy is included where SAC and PPO alone
cannot show whether Fig. 3 looks as the paper describes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twinsync.experiments.schemes import Budget, SchemePlan, printed_schemes, repaired_schemes
from twinsync.learning.presets import PPO_TUNED, SAC_TUNED
from twinsync.learning.settings import PpoSettings, SacSettings

TOWARDS, BACK, PEER = "towards", "back", "peer"
SAC, PPO, RANDOM = "sac", "ppo", "random-strategy"
SETTINGS, PEERS = "settings", "peers"  # parts of an evaluation


@dataclass(frozen=True)
class Change:
    """One change of settings: its key, its label, and the new values for SAC and PPO towards and back (None: not in
    that direction).

    A learner without the setting is left out. towards_ppo: PPO's values where they differ. random: whether the random
    strategy is trained too, in the direction towards. reading: whether the new values are another reading of what the
    paper leaves open, which neither the printed nor the repaired settings have.
    """

    key: str
    label: str
    towards: Mapping[str, Any] | None
    back: Mapping[str, Any] | None
    towards_ppo: Mapping[str, Any] = field(default_factory=dict)
    random: bool = False
    reading: bool = False


_TABLE_III = SacSettings()

CHANGES = (
    Change("reward_scale", "reward as (22) has it, not divided by 10 K", {"reward_scale": "none"},
           {"reward_scale": "none"}, random=True, reading=True),
    Change("encoding", "state in metres and Mbit, not scaled", {"encoding": "unscaled"}, None, reading=True),
    Change("initial_weights", "weights at the start", {"initial_weights": "orthogonal"}, None,
           {"initial_weights": "lecun"}, reading=True),
    Change("initial_alpha", "temperature at the start", {"initial_alpha": SAC_TUNED.initial_alpha},
           {"initial_alpha": _TABLE_III.initial_alpha}),
    Change("edge_cpu", "edge CPU by requests or by shares", {"edge_cpu": SAC_TUNED.edge_cpu},
           {"edge_cpu": _TABLE_III.edge_cpu}, random=True),
    # With gamma = 0 nothing is bootstrapped, so the setting has no effect in the direction back.
    Change("cycle_end", "end of a cycle is truncation, not terminal", {"cycle_end": "truncation"}, None,
           reading=True),
    Change("discount", "discount factor", {"discount": SAC_TUNED.discount}, {"discount": _TABLE_III.discount},
           random=True),
    Change("architecture", "form of the networks", {"architecture": "set", "hidden": SAC_TUNED.hidden},
           {"architecture": "flat", "critic_reward": "total"}),
    Change("learning_rate", "learning rate", {"learning_rate": SAC_TUNED.learning_rate},
           {"learning_rate": _TABLE_III.learning_rate}, {"learning_rate": PPO_TUNED.learning_rate}, random=True),
)  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """One scheme of a study. change: key of `CHANGES`, empty for the baseline.

    role: the paper's scheme it stands for: `SAC`, `PPO` or `RANDOM`.
    """

    scheme: SchemePlan
    direction: str
    change: str
    role: str


def settings_variants(budget: Budget) -> list[Variant]:
    """The study of settings, with the baseline first in each direction."""
    printed, repaired = _by_role(printed_schemes(budget)), _by_role(repaired_schemes(budget))
    variants = [Variant(scheme, TOWARDS, "", role) for role, scheme in printed.items()]
    for change in CHANGES:
        for role in (SAC, PPO, *([RANDOM] if change.random else [])):
            values = change.towards_ppo if role == PPO and change.towards_ppo else change.towards
            variants += _variant(printed[role], TOWARDS, change, role, values)
    variants += [Variant(scheme, BACK, "", role) for role, scheme in repaired.items() if role != RANDOM]
    for change in CHANGES:
        for role in (SAC, PPO):
            values = change.back
            if role == PPO and values and change.key == "learning_rate":
                values = {"learning_rate": PpoSettings().learning_rate}
            variants += _variant(repaired[role], BACK, change, role, values)
    return variants


def peer_variants(budget: Budget) -> list[Variant]:
    """SAC and PPO as printed, ours and Stable-Baselines3's with the same settings."""
    printed = _by_role(printed_schemes(budget))
    variants = []
    for role in (SAC, PPO):
        ours = printed[role]
        theirs = dataclasses.replace(
            ours, name=f"{ours.name}-sb3", label=f"{ours.label}, Stable-Baselines3", library="sb3",
            description="The same settings in Stable-Baselines3.",
        )  # fmt: skip
        variants += [Variant(ours, PEER, "", role), Variant(theirs, PEER, "library", role)]
    return variants


VARIANTS = {SETTINGS: settings_variants, PEERS: peer_variants}


def change_label(key: str) -> str:
    """The label of a change."""
    return next((change.label for change in CHANGES if change.key == key), key)


def is_other_reading(key: str) -> bool:
    """Whether a change is to another reading of what the paper leaves open."""
    return any(change.reading for change in CHANGES if change.key == key)


def _by_role(schemes: Sequence[SchemePlan]) -> dict[str, SchemePlan]:
    named = {scheme.name.removesuffix("-paper").removesuffix("-tuned"): scheme for scheme in schemes}
    return {role: named[role] for role in (SAC, PPO, RANDOM)}


def _variant(
    base: SchemePlan, direction: str, change: Change, role: str, values: Mapping[str, Any] | None
) -> list[Variant]:
    assert base.settings is not None
    known = {item.name for item in dataclasses.fields(base.settings)}
    kept = {key: value for key, value in (values or {}).items() if key in known}
    if not kept:
        return []
    exchange = ", ".join(f"{key} = {_text(value)}" for key, value in kept.items())
    settings = dataclasses.replace(base.settings, **kept)
    scheme = dataclasses.replace(
        base, name=f"{base.name}--{change.key}", label=f"{base.label}; {exchange}", settings=settings,
        description=f"{base.label} with {exchange}.",
    )  # fmt: skip
    return [Variant(scheme, direction, change.key, role)]


def _text(value: Any) -> str:
    return " x ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
