"""Weights and card of one policy in the form that `twinsync.runtime` reads."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from twinsync.allocators.networks import by_device
from twinsync.allocators.policy import Policy
from twinsync.environment.interface import draw_phi, observe, see
from twinsync.model import draw_slots
from twinsync.runtime.encoding import group_names
from twinsync.runtime.files import FORMAT, VERSION
from twinsync.scenario import Scenario
from twinsync.streams import root_key, stream

MOST_NUMBERS = 100_000  # UD-slots drawn to find the ranges of a policy whose training did not record them


def policy_arrays(policy: Policy) -> dict[str, np.ndarray]:
    """The network's weights by the runtime's names, without the outputs for standard deviations, which are not used."""
    network, count = policy.network, len(policy.network.layers)
    flat = network.architecture == "flat"
    kept = policy.interface.decisions * (policy.device_count if flat else 1)
    arrays: dict[str, np.ndarray] = {}
    for i, layer in enumerate(network.layers):
        outputs = kept if i == count - 1 else layer.bias.shape[0]
        arrays[f"weight_{i}"] = np.asarray(layer.weight)[:, :outputs]
        arrays[f"bias_{i}"] = np.asarray(layer.bias)[:outputs]
        if layer.pooled is not None:
            arrays[f"pooled_{i}"] = np.asarray(layer.pooled)
    if not flat and network.centre is not None:
        arrays |= {"centre": np.asarray(network.centre), "spread": np.asarray(network.spread)}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def policy_card(policy: Policy, scenario_values: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """The card, in plain JSON values: how to run the policy, then `facts` about its origin and quality."""
    network = policy.network
    card = {
        "format": FORMAT,
        "format_version": VERSION,
        "architecture": network.architecture,
        "hidden": [layer.bias.shape[0] for layer in network.layers[:-1]],
        "squash": policy.squash,
        "interface": dataclasses.asdict(policy.interface),
        "device_count": policy.device_count if network.architecture == "flat" else "any",
        "scenario": dict(scenario_values),
        **facts,
    }
    return _finite(card)


def _finite(value: Any) -> Any:
    """The value with None for infinities and NaN, which JSON lacks."""
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def drawn_ranges(policy: Policy, scenario: Scenario) -> tuple[dict[str, list[float]], str]:
    """[minimum, maximum] of each input over fresh slots of a scenario, and a description of that sample."""
    face, count = policy.interface, max(1, MOST_NUMBERS // scenario.device_count)
    slots = draw_slots(stream(root_key(0), "ranges"), scenario, count)
    shape = slots.data_bits.shape
    given = draw_phi(stream(root_key(0), "phi"), scenario, shape) if face.extraction == "random" else None
    seen = np.asarray(by_device(observe(face, scenario, see(slots, face.observation), given), face.features))
    least, most = seen.min(axis=(0, 1)), seen.max(axis=(0, 1))
    names = group_names(dataclasses.asdict(face))
    ranges = {name: [float(low), float(high)] for name, low, high in zip(names, least, most, strict=True)}
    return ranges, f"{count} slots of the training scenario, drawn at export"
