"""A trained policy in NumPy: the same decision as `twinsync.allocators.policy.Policy`, within float32's rounding."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from twinsync.errors import InputError
from twinsync.runtime.constants import check_server, overridden
from twinsync.runtime.encoding import encode, group_names

SHARE_LOGIT_SCALE = 3.0  # as in `twinsync.environment.interface`
# Ranges are what a finite sample showed, in the network's own O(1) or logarithmic units: a little more is fine.
SLACK_SHARE, SLACK = 0.05, 0.01
DEVICES = "number of devices"


class OutsideTraining(UserWarning):
    """The policy is asked about slots unlike those it was trained on: its decision is feasible, its cost unknown."""


class Decision(NamedTuple):
    """What is decided for each device, arrays [..., K] in SI units, and the input groups that lie outside training.

    extraction_factor: phi, share of the data that is sent. device_cpu_hz: the device's CPU frequency [Hz].
    transmit_power_w: its transmit power [W]. edge_cpu_hz: edge CPU frequency for it [Hz].
    outside: names of the groups in which some device lies outside the ranges of the policy's card; "number of devices"
    where a policy that does not see it was trained on another.
    """

    extraction_factor: np.ndarray
    device_cpu_hz: np.ndarray
    transmit_power_w: np.ndarray
    edge_cpu_hz: np.ndarray
    outside: tuple[str, ...]


class Layer(NamedTuple):
    """x W + b, or with `pooled` x W + mean(x) V + b, the mean over devices; all float32."""

    weight: np.ndarray
    bias: np.ndarray
    pooled: np.ndarray | None


@dataclass(frozen=True, eq=False)
class RuntimePolicy:
    """A policy as its file describes it. Get one from `load_policy`; it may be shared between threads.

    card: what the file states of it. layers, centre, spread: the network. values: the constants it depends on, as in
    training; each may be overridden in a call of `decide`.
    """

    card: Mapping[str, Any] = field(repr=False)
    layers: tuple[Layer, ...] = field(repr=False)
    centre: np.ndarray | None = field(repr=False)
    spread: np.ndarray | None = field(repr=False)
    values: Mapping[str, float]
    _warned: set[str] = field(default_factory=set, repr=False)

    @property
    def interface(self) -> Mapping[str, str]:
        """Options of what it sees and decides: observation, edge_cpu, extraction, encoding."""
        return self.card["interface"]

    @property
    def device_count(self) -> int | None:
        """The number of devices it serves, None for any."""
        count = self.card["device_count"]
        return None if count == "any" else count

    def decide(
        self, distance_m: Any, data_bits: Any, channel_gain: Any = None, given_phi: Any = None, **overrides: Any
    ) -> Decision:
        """Decide for one slot [K] or many [..., K].

        distance_m: to the base station [m]; data_bits: sensed in the slot [bit]; channel_gain: |g|^2, for a policy that
        observes it (`csi`); given_phi: extraction factors, for a policy that does not choose them (`random`).
        `overrides` are scenario constants other than in training, in SI units, e.g. bandwidth_hz=2e6.

        Raises `InputError` for anything it cannot take, and warns `OutsideTraining` the first time that a group lies
        outside the card's ranges; `Decision.outside` tells it each time.
        """
        given = {
            "distance_m": distance_m, "data_bits": data_bits, "channel_gain": channel_gain, "given_phi": given_phi,
        }  # fmt: skip
        shape, arrays = self._arrays(given)
        values = overridden(self.values, self.card["scenario"], overrides) if overrides else self.values
        check_server(values, shape[-1])
        phi = arrays["given_phi"]
        if phi is not None and (phi.min() < values["extraction_factor_min"] * (1 - 1e-6) or phi.max() > 1.0):
            raise InputError(
                f"given_phi from {phi.min():g} to {phi.max():g} must lie within extraction_factor_min = "
                f"{values['extraction_factor_min']:g} and 1"
            )
        groups = encode(self.interface, values, **arrays)
        outside = self._outside(groups)
        phi, device, power, edge = self._allocate(self._action(groups), values, phi)
        return Decision(phi.reshape(shape), device.reshape(shape), power.reshape(shape), edge.reshape(shape), outside)

    def _arrays(self, given: dict[str, Any]) -> tuple[tuple[int, ...], dict[str, Any]]:
        """The shape [..., K], and each input as float64 [n, K], or None where the policy takes none."""
        wanted = {
            "channel_gain": self.interface["observation"] == "csi",
            "given_phi": self.interface["extraction"] == "random",
        }
        shape: tuple[int, ...] | None = None
        arrays: dict[str, Any] = {}
        for name, value in given.items():
            if (value is not None) != wanted.get(name, True):
                raise InputError(f"this policy {'needs' if value is None else 'does not take'} {name}")
            if value is None:
                arrays[name] = None
                continue
            array = _numbers(name, value)
            shape = shape or array.shape
            if array.shape != shape or not array.size:
                raise InputError(f"{name} has shape {array.shape}, expected {shape} as of distance_m, not empty")
            arrays[name] = array.reshape(-1, shape[-1])
        assert shape is not None  # distance_m is always there
        if self.device_count not in (None, shape[-1]):
            raise InputError(
                f"this policy was trained for {self.device_count} devices, distance_m has {shape[-1]}; train one for "
                "that many, or use a set network"
            )
        return shape, arrays

    def _outside(self, groups: np.ndarray) -> tuple[str, ...]:
        ranges, found = self.card.get("ranges", {}), []
        # Only the physical code shows what a device's share of the server and the band amounts to.
        if self.interface["encoding"] != "physical" and groups.shape[-1] != self.card["scenario"]["device_count"]:
            found.append(DEVICES)
        least, most = groups.min(axis=(0, 2)).tolist(), groups.max(axis=(0, 2)).tolist()
        for name, low, high in zip(group_names(self.interface), least, most, strict=True):
            if name in ranges:
                slack = SLACK_SHARE * (ranges[name][1] - ranges[name][0]) + SLACK
                if low < ranges[name][0] - slack or high > ranges[name][1] + slack:
                    found.append(name)
        fresh = [name for name in found if name not in self._warned]
        if fresh:
            self._warned.update(fresh)
            warnings.warn(f"outside what the policy was trained on: {'; '.join(fresh)}", OutsideTraining, stacklevel=3)
        return tuple(found)

    def _action(self, groups: np.ndarray) -> np.ndarray:
        """Actions in [-1, 1], [n, A, K], float64, from groups [n, F, K]."""
        count, features, devices = groups.shape
        if self.card["architecture"] == "flat":
            out = self._run(groups.reshape(count, 1, features * devices)).reshape(count, -1, devices)
        else:
            rows = np.ascontiguousarray(groups.transpose(0, 2, 1))
            if self.centre is not None and self.spread is not None:
                rows -= self.centre
                rows /= self.spread
            out = self._run(rows).transpose(0, 2, 1)
        squashed = np.tanh(out) if self.card["squash"] == "tanh" else np.clip(out, -1.0, 1.0)
        return squashed.astype(np.float64)

    def _run(self, x: np.ndarray) -> np.ndarray:
        """The network's output [n, K, O] for inputs [n, K, I]."""
        count, devices, _ = x.shape
        mean = np.full((1, devices), 1.0 / devices, np.float32)
        for i, layer in enumerate(self.layers):
            # One product of all rows is faster than one for each slot.
            y = (x.reshape(count * devices, -1) @ layer.weight).reshape(count, devices, -1)
            y += layer.bias if layer.pooled is None else (mean @ x) @ layer.pooled + layer.bias
            x = y if i == len(self.layers) - 1 else np.maximum(y, 0.0, out=y)
        return x

    def _allocate(
        self, action: np.ndarray, values: Mapping[str, float], given_phi: np.ndarray | None
    ) -> tuple[np.ndarray, ...]:
        """Extraction factor, device CPU, power and edge CPU, each [n, K]."""
        device, power, edge = (action[:, i] for i in (-3, -2, -1))
        if self.interface["extraction"] == "chosen":
            phi = _from_unit(action[:, 0], values["extraction_factor_min"], 1.0)
        else:
            phi = np.ones_like(edge) if given_phi is None else given_phi.copy()
        least, most = values["edge_cpu_min_hz"], values["edge_cpu_max_hz"]
        if self.interface["edge_cpu"] == "shares":
            weight = np.exp(SHARE_LOGIT_SCALE * edge)  # actions are bounded, so this cannot overflow
            edge_hz = least + (most - edge.shape[-1] * least) * (weight / weight.sum(axis=-1, keepdims=True))
        else:
            edge_hz = _from_unit(edge, least, most)
        return (
            phi,
            _from_unit(device, values["device_cpu_min_hz"], values["device_cpu_max_hz"]),
            _from_unit(power, values["transmit_power_min_w"], values["transmit_power_max_w"]),
            edge_hz,
        )


def _numbers(name: str, value: Any) -> np.ndarray:
    """Input `name` as float64; finite, and positive (a gain may be 0)."""
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be an array of numbers [..., K], got {type(value).__name__}") from None
    if array.ndim == 0:
        raise InputError(f"{name} = {value!r} must be an array [..., K], the last axis over devices")
    bad = ~np.isfinite(array) | ((array < 0.0) if name == "channel_gain" else (array <= 0.0))
    if bad.any():
        place = np.argwhere(bad)[0].tolist()
        limit = "0 or more" if name == "channel_gain" else "above 0"
        raise InputError(f"{name}{place} = {array[tuple(place)]:g} must be a finite number, {limit}")
    return array


def _from_unit(x: np.ndarray, low: float, high: float) -> np.ndarray:
    share = 0.5 * (x + 1.0)
    return np.clip((1.0 - share) * low + share * high, low, high)
