"""A trained policy in NumPy: the decisions of `twinsync.allocators.policy.Policy` up to float32 rounding."""

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
# The ranges come from a finite sample, in the network's O(1) or logarithmic units, so small excesses are tolerated.
SLACK_SHARE, SLACK = 0.05, 0.01
DEVICES = "number of devices"


class OutsideTraining(UserWarning):
    """The slots are unlike those of the policy's training: its decision is feasible, but may be poor."""


class Decision(NamedTuple):
    """The decision for each device, arrays [..., K] in SI units, and the inputs that lie outside the training ranges.

    extraction_factor: phi, share of the data that is sent. device_cpu_hz: the device's CPU frequency [Hz].
    transmit_power_w: its transmit power [W]. edge_cpu_hz: edge CPU frequency for it [Hz].
    outside: names of the inputs that for some device lie outside the ranges in the policy's card; also "number of
    devices", if the policy was trained with another number and cannot observe it.
    """

    extraction_factor: np.ndarray
    device_cpu_hz: np.ndarray
    transmit_power_w: np.ndarray
    edge_cpu_hz: np.ndarray
    outside: tuple[str, ...]


class Layer(NamedTuple):
    """x W + b; with `pooled` V, x W + mean(x) V + b, the mean over devices; all float32."""

    weight: np.ndarray
    bias: np.ndarray
    pooled: np.ndarray | None


@dataclass(frozen=True, eq=False)
class RuntimePolicy:
    """A policy loaded from its file by `load_policy`. It may be shared between threads.

    card: the file's description of it. layers, centre, spread: the network. values: the scenario constants that it
    depends on, as in training; `decide` can override each.
    """

    card: Mapping[str, Any] = field(repr=False)
    layers: tuple[Layer, ...] = field(repr=False)
    centre: np.ndarray | None = field(repr=False)
    spread: np.ndarray | None = field(repr=False)
    values: Mapping[str, float]
    _warned: set[str] = field(default_factory=set, repr=False)

    @property
    def interface(self) -> Mapping[str, str]:
        """The options observation, edge_cpu, extraction and encoding, see `twinsync.environment.Interface`."""
        return self.card["interface"]

    @property
    def device_count(self) -> int | None:
        """The number of devices that it serves; None for any."""
        count = self.card["device_count"]
        return None if count == "any" else count

    def decide(
        self, distance_m: Any, data_bits: Any, channel_gain: Any = None, given_phi: Any = None, **overrides: Any
    ) -> Decision:
        """Decide for one slot [K] or many [..., K].

        distance_m: distance to the base station [m]. data_bits: data sensed in the slot [bit]. channel_gain: |g|^2,
        only for a policy that observes it (`csi`). given_phi: extraction factors, only for a policy that does not
        choose them (`random`). overrides: scenario constants that differ from training, in SI units, such as
        bandwidth_hz=2e6.

        Raises `InputError` for missing or superfluous inputs, wrong shapes or values, and constants that the policy
        does not depend on. Warns with `OutsideTraining` the first time that an input lies outside the card's ranges;
        `Decision.outside` reports it every time.
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
        """The shape [..., K], and each input as float64 [n, K], or None if the policy does not take it."""
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
                raise InputError(f"{name} has shape {array.shape}; expected that of distance_m, {shape}, and not empty")
            arrays[name] = array.reshape(-1, shape[-1])
        assert shape is not None  # distance_m is always given
        if self.device_count not in (None, shape[-1]):
            raise InputError(
                f"this policy was trained for {self.device_count} devices, distance_m has {shape[-1]}; train one for "
                "that many, or use a set network"
            )
        return shape, arrays

    def _outside(self, groups: np.ndarray) -> tuple[str, ...]:
        ranges, found = self.card.get("ranges", {}), []
        # Only the physical encoding contains a device's share of the server and the bandwidth.
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
        """Actions in [-1, 1], [n, A, K], float64, from inputs [n, F, K]."""
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
            # One matrix product over all rows is faster than one per slot.
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
    """Input `name` as float64. Raises `InputError` unless all are finite and positive (a gain may be 0)."""
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
