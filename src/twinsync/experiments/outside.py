"""Checks whether a policy is evaluated outside its training: constants that differ, inputs never seen in training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.allocators.policy import FILE_NAME, read_card
from twinsync.allocators.protocol import Allocator
from twinsync.learning.ranges import FACTORS
from twinsync.model.slot import Slot
from twinsync.runtime.constants import BOUNDS
from twinsync.runtime.encoding import GIVEN_PHI, encode, group_names
from twinsync.runtime.policy import SLACK, SLACK_SHARE
from twinsync.scenario import Scenario, constants

_NAMED = 3  # number of constants that are named; the rest are counted

# Constants that training over a range of scenarios varies, or that follow from these: whether they go too far shows in
# the groups of inputs.
_VARIED = {
    *FACTORS,
    *("data_max_bits", "device_cpu_min_hz", "edge_cpu_min_hz", "path_loss_exponent", "extraction_factor_min"),
    "device_count",
}


def card_of(given: object, policies: Sequence[Allocator]) -> Mapping[str, Any] | None:
    """The card of a training run's folder or of an exported policy; None for anything not trained by this package.

    given: the name or allocator that was requested. policies: the allocators found for it.
    """
    if isinstance(given, str | Path) and (Path(given) / FILE_NAME).is_file():
        return read_card(Path(given) / FILE_NAME)
    return getattr(policies[0], "card", None)


def outside_training(card: Mapping[str, Any], scenario: Scenario, slot: Slot) -> str:
    """How a scenario differs from that of a policy's training, in one sentence; empty if the policy covers it.

    card: the policy's. slot: slots of the scenario, [n, K], whose inputs are compared with the trained ranges. A policy
    that was trained over a range of scenarios, with their constants as inputs, covers that range.
    """
    told = card["interface"]["encoding"] == "physical" and "ranges" in card
    beyond = _beyond(card, scenario, slot) if told else []
    trained = card["scenario"]
    differing = [key for key in constants() if key in trained and not _same(trained[key], getattr(scenario, key))]
    if told and not beyond:
        differing = [key for key in differing if key not in _VARIED]
    if not differing and not beyond:
        return ""
    parts = [f"{key} {_text(trained[key])}, here {_text(getattr(scenario, key))}" for key in differing[:_NAMED]]
    if len(differing) > _NAMED:
        parts.append(f"and {len(differing) - _NAMED} more")
    seen = f"inputs beyond its training: {', '.join(beyond)}" if beyond else ""
    return "; ".join(part for part in (f"trained with {'; '.join(parts)}" if parts else "", seen) if part)


def _beyond(card: Mapping[str, Any], scenario: Scenario, slot: Slot) -> list[str]:
    """Names of the input groups that leave their trained range on these slots."""
    interface, ranges = card["interface"], card["ranges"]
    # None of these constants can be automatic, which would not be a number.
    values = {key: float(getattr(scenario, key)) for key in BOUNDS}
    gain = np.asarray(slot.channel_gain) if interface["observation"] == "csi" else None
    phi = np.ones(slot.data_bits.shape) if interface["extraction"] == "random" else None
    groups = encode(interface, values, np.asarray(slot.distance_m), np.asarray(slot.data_bits), gain, phi)
    found = []
    for place, name in enumerate(group_names(interface)):
        if name == GIVEN_PHI or name not in ranges:
            continue
        low, high = ranges[name]
        slack = SLACK_SHARE * (high - low) + SLACK
        if groups[:, place].min() < low - slack or groups[:, place].max() > high + slack:
            found.append(name)
    return found


def _same(trained: Any, here: Any) -> bool:
    if isinstance(trained, list | tuple) or isinstance(here, list | tuple):
        return [list(row) for row in trained or ()] == [list(row) for row in here or ()]
    if isinstance(trained, str) or isinstance(here, str) or here is None:
        return trained == here
    # A card stores infinity as None.
    return math.isinf(here) if trained is None else math.isclose(trained, here, rel_tol=1e-9)


def _text(value: Any) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, str):
        return value
    return "others" if isinstance(value, list | tuple) else f"{float(value):g}"
