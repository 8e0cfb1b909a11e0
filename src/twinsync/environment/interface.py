"""The face between a decision-maker and a slot: observation of eq. (20) in, action of eq. (21) out, both O(1).

Vectors are grouped by quantity, as the paper writes them: d_1..d_K, D_1..D_K (and gains, and given phis) in, and
phi_1..phi_K, f_1..f_K, p_1..p_K, f^e_1..f^e_K out. What is seen of a slot has three encodings:

- `affine` maps each quantity of (20) from its range in the scenario to about [-1, 1]: the paper's state, for a policy
  that serves one scenario;
- `unscaled` is the same state in metres and Mbit;
- `physical` gives the logarithms of the dimensionless groups that the decision depends on. Bandwidth, edge CPU and the
  number of devices enter it only as what one device's equal share would do, so a policy trained on it can serve any K,
  and any scenario whose groups it has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp

from twinsync.arrays import Array, Float, Key, Scalar
from twinsync.errors import InputError
from twinsync.model.channel import path_gain
from twinsync.model.semantics import extraction_energy_j
from twinsync.model.slot import Allocation, Slot
from twinsync.quantity import PHYSICAL
from twinsync.scenario import Scenario


class Sight(eqx.Module):
    """What the edge server sees before it decides.

    distance_m, data_bits: the state of eq. (20). channel_gain: |g_k|^2, only for a decision-maker that asks for channel
    knowledge (`observation = "csi"`), else None.
    """

    distance_m: Float[Array, "*b K"]
    data_bits: Float[Array, "*b K"]
    channel_gain: Float[Array, "*b K"] | None = None


def see(slot: Slot, observation: str) -> Sight:
    """The part of a slot that a decision-maker with this observation gets to see."""
    return Sight(slot.distance_m, slot.data_bits, slot.channel_gain if observation == "csi" else None)


Observation = Literal["paper", "csi"]
EdgeCpu = Literal["requests", "shares"]
Extraction = Literal["chosen", "none", "random"]
Encoding = Literal["affine", "unscaled", "physical"]

SHARE_LOGIT_SCALE = 3.0  # an action of +-1 is a logit of +-3: shares differ by up to e^6, about 400


@dataclass(frozen=True)
class Interface:
    """Options of the face.

    observation: `paper` is (d, D) of eq. (20); `csi` adds the channel gain.
    edge_cpu: `requests` are free and penalised by P_f where they exceed the server (as printed); `shares` divide the
    server's capacity by a softmax, feasible by construction.
    extraction: `chosen` by the decision-maker; `none` fixes phi = 1 (w/o SC); `random` draws phi uniformly in
    [phi_min, 1] in each slot and shows it (random synchronisation strategy).
    encoding: `affine` scales what is seen by its range in the scenario; `unscaled` leaves it in metres and Mbit;
    `physical` tells dimensionless groups, which serve any scenario and any K.
    """

    observation: str = "paper"
    edge_cpu: str = "requests"
    extraction: str = "chosen"
    encoding: str = "affine"

    def __post_init__(self) -> None:
        for name, choices in (
            ("observation", Observation),
            ("edge_cpu", EdgeCpu),
            ("extraction", Extraction),
            ("encoding", Encoding),
        ):
            value = getattr(self, name)
            if value not in get_args(choices):
                raise InputError(f"{name} = {value!r} is not one of {', '.join(get_args(choices))}")

    @property
    def features(self) -> int:
        """Observed numbers per device."""
        seen = len(PHYSICAL) if self.encoding == "physical" else 2 + (self.observation == "csi")
        return seen + (self.extraction == "random")

    @property
    def decisions(self) -> int:
        """Decided numbers per device."""
        return 4 if self.extraction == "chosen" else 3


def observe(
    interface: Interface, scenario: Scenario, sight: Sight, given_phi: Float[Array, "*b K"] | None = None
) -> Float[Array, "*b F"]:
    """The observation vector, F = features * K; entries of the affine encoding are O(1)."""
    encode = {"affine": affine, "unscaled": unscaled, "physical": physical}[interface.encoding]
    parts = encode(scenario, sight, csi=interface.observation == "csi")
    if interface.extraction == "random":
        assert given_phi is not None
        parts.append(_to_unit(given_phi, scenario.extraction_factor_min, 1.0))
    return jnp.concatenate([jnp.asarray(part) for part in parts], axis=-1)


def to_allocation(
    interface: Interface,
    scenario: Scenario,
    action: Float[Array, "*b A"],
    given_phi: Float[Array, "*b K"] | None = None,
) -> Allocation:
    """The allocation an action in [-1, 1] stands for, A = decisions * K: affine to the bounds of (19e) to (19h)."""
    action = jnp.clip(action, -1.0, 1.0)
    parts = list(jnp.split(action, interface.decisions, axis=-1))
    if interface.extraction == "chosen":
        phi = _from_unit(parts.pop(0), scenario.extraction_factor_min, 1.0)
    elif interface.extraction == "none":
        phi = jnp.ones_like(parts[0])
    else:
        assert given_phi is not None
        phi = given_phi
    device, power, edge = parts
    if interface.edge_cpu == "shares":
        free = scenario.edge_cpu_max_hz - scenario.device_count * scenario.edge_cpu_min_hz
        edge_hz = scenario.edge_cpu_min_hz + free * jax.nn.softmax(SHARE_LOGIT_SCALE * edge, axis=-1)
    else:
        edge_hz = _from_unit(edge, scenario.edge_cpu_min_hz, scenario.edge_cpu_max_hz)
    return Allocation(
        extraction_factor=phi,
        device_cpu_hz=_from_unit(device, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz),
        transmit_power_w=_from_unit(power, scenario.transmit_power_min_w, scenario.transmit_power_max_w),
        edge_cpu_hz=edge_hz,
    )


def draw_phi(key: Key, scenario: Scenario, shape: tuple[int, ...]) -> Float[Array, "*b K"]:
    """Extraction factors of the random synchronisation strategy, uniform in [phi_min, 1]; `shape` includes K."""
    draw = jax.random.uniform(key, shape)
    return scenario.extraction_factor_min + (1.0 - scenario.extraction_factor_min) * draw


def _from_unit(x: Float[Array, "*b"], low: Scalar, high: Scalar) -> Float[Array, "*b"]:
    # A convex combination stays within the bounds in floating point, which low + share * (high - low) may not.
    share = 0.5 * (x + 1.0)
    return jnp.clip((1.0 - share) * low + share * high, low, high)


def _to_unit(value: Float[Array, "*b"], low: Scalar, high: Scalar) -> Float[Array, "*b"]:
    return 2.0 * (value - low) / jnp.maximum(high - low, 1e-9) - 1.0


MBIT = 1e6
LEAST_UNSCALED_GAIN = 1e-30  # of the unscaled encoding, whose gain is a logarithm; no usable link is as weak


def affine(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """Distance and data size, each affine, and with `csi` the gain's decimal logarithm; one array per quantity."""
    centre = jnp.sqrt(scenario.start_x_m**2 + scenario.start_y_m**2 + scenario.station_height_m**2)
    spread = scenario.start_radius_m + 0.5 * scenario.speed_mean_m_s * scenario.cycle_s + scenario.distance_floor_m
    parts = [(sight.distance_m - centre) / spread]
    middle = 0.5 * (scenario.data_min_bits + scenario.data_max_bits)
    # A fixed data size has no range; a hundredth of its size keeps the quotient finite and the entry 0.
    half = jnp.maximum(0.5 * (scenario.data_max_bits - scenario.data_min_bits), 0.01 * middle)
    parts.append((sight.data_bits - middle) / half)
    if csi:
        typical = path_gain(jnp.maximum(centre, scenario.distance_floor_m)[None], scenario)
        parts.append(jnp.log10(jnp.maximum(_known_gain(sight) / typical, 1e-6)))
    return parts


def unscaled(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """Distance [m] and data size [Mbit], the units of Tables I and II, and with `csi` the gain's decimal logarithm."""
    parts = [jnp.asarray(sight.distance_m), jnp.asarray(sight.data_bits) / MBIT]
    if csi:
        parts.append(jnp.log10(jnp.maximum(_known_gain(sight), LEAST_UNSCALED_GAIN)))
    return parts


def physical(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """The groups of `twinsync.quantity.PHYSICAL`; the gain is its mean (path gain), with `csi` the slot's own."""
    data = jnp.asarray(sight.data_bits)
    gain = _known_gain(sight) if csi else path_gain(jnp.asarray(sight.distance_m), scenario)
    count, slot_s, one = scenario.device_count, scenario.slot_s, jnp.ones_like(data)
    cycles = scenario.cycles_per_bit * data
    full_speed = scenario.device_cpu_max_hz * one
    groups = (
        gain / scenario.noise_power_w * scenario.transmit_power_max_w,
        data / (scenario.bandwidth_hz / count) / slot_s,
        cycles / scenario.device_cpu_max_hz / slot_s,
        cycles / (scenario.edge_cpu_max_hz / count) / slot_s,
        extraction_energy_j(data, full_speed, scenario) / scenario.energy_budget_j,
        scenario.transmit_power_max_w * slot_s / scenario.energy_budget_j * one,
        scenario.extraction_factor_min * one,
    )
    # A capacitance of 0 is allowed and makes an energy 0; no group of a working device is as small as this.
    return [jnp.log(jnp.maximum(group, 1e-12)) for group in groups]


def _known_gain(sight: Sight) -> Float[Array, "*b K"]:
    if sight.channel_gain is None:
        raise InputError("observation = csi needs channel_gain in what the edge sees, got None")
    return jnp.asarray(sight.channel_gain)
