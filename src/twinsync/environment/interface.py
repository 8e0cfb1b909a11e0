"""The interface between a decision-maker and a slot: observations, eq. (20), and actions, eq. (21), as vectors.

Vectors are grouped by quantity, as in the paper: observations are d_1..d_K, D_1..D_K (then gains and given phis),
actions are phi_1..phi_K, f_1..f_K, p_1..p_K, f^e_1..f^e_K. An observation has one of three encodings:

- `affine` maps each quantity of (20) from its range in the scenario to about [-1, 1]: the paper's state, for a policy
  of one scenario;
- `unscaled` is the same state in metres and Mbit;
- `physical` consists of the logarithms of the dimensionless groups that the decision depends on. Bandwidth, edge CPU
  and the number of devices enter only through a device's equal share, so a policy trained on it can serve any K and any
  scenario whose groups lie in the range of its training.
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
    """What the edge server observes before it decides.

    distance_m [m], data_bits [bit]: the state of eq. (20). channel_gain: |g_k|^2, or None unless the decision-maker
    observes the channel (`observation = "csi"`).
    """

    distance_m: Float[Array, "*b K"]
    data_bits: Float[Array, "*b K"]
    channel_gain: Float[Array, "*b K"] | None = None


def see(slot: Slot, observation: str) -> Sight:
    """The part of a slot that a decision-maker with this `observation` (`paper` or `csi`) observes."""
    return Sight(slot.distance_m, slot.data_bits, slot.channel_gain if observation == "csi" else None)


Observation = Literal["paper", "csi"]
EdgeCpu = Literal["requests", "shares"]
Extraction = Literal["chosen", "none", "random"]
Encoding = Literal["affine", "unscaled", "physical"]

SHARE_LOGIT_SCALE = 3.0  # an action of +-1 is a logit of +-3, so shares differ by a factor of at most e^6, about 400


@dataclass(frozen=True)
class Interface:
    """Options of the interface. Raises `InputError` for an unknown one.

    observation: `paper` is (d, D) of eq. (20); `csi` adds the channel gain.
    edge_cpu: `requests` are independent and penalised by P_f if they exceed the server (as printed); `shares` divide
    the server's capacity by a softmax and are feasible by construction. extraction: `chosen` by the decision-maker;
    `none` fixes phi = 1 (w/o SC); `random` draws phi uniformly in [phi_min, 1] in each slot and shows it (random
    synchronisation strategy). encoding: `affine` scales quantities by their range in the scenario; `unscaled` leaves
    them in metres and Mbit; `physical` uses dimensionless groups, which work for any scenario and any K.
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
        """Number of observed quantities per device."""
        seen = len(PHYSICAL) if self.encoding == "physical" else 2 + (self.observation == "csi")
        return seen + (self.extraction == "random")

    @property
    def decisions(self) -> int:
        """Number of decided quantities per device."""
        return 4 if self.extraction == "chosen" else 3


def observe(
    interface: Interface, scenario: Scenario, sight: Sight, given_phi: Float[Array, "*b K"] | None = None
) -> Float[Array, "*b F"]:
    """The observation vector, F = features * K; O(1) except with the unscaled encoding.

    given_phi: required with `extraction = random`. Raises `InputError` if `csi` needs a gain that `sight` lacks.
    """
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
    """The allocation for an action, A = decisions * K, clipped to [-1, 1] and mapped to the bounds of (19e) to (19h).

    The map is affine, except for shares of the edge CPU. given_phi: required with `extraction = random`.
    """
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
LEAST_UNSCALED_GAIN = 1e-30  # floor before the logarithm in the unscaled encoding; no usable link is that weak


def affine(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """Distance and data size, scaled by their ranges; with `csi`, log10 of the gain over a typical one.

    One array [*b, K] per quantity, as in the other encodings.
    """
    centre = jnp.sqrt(scenario.start_x_m**2 + scenario.start_y_m**2 + scenario.station_height_m**2)
    spread = scenario.start_radius_m + 0.5 * scenario.speed_mean_m_s * scenario.cycle_s + scenario.distance_floor_m
    parts = [(sight.distance_m - centre) / spread]
    middle = 0.5 * (scenario.data_min_bits + scenario.data_max_bits)
    # A fixed data size has no range; a hundredth of the size keeps the quotient finite and the entry at 0.
    half = jnp.maximum(0.5 * (scenario.data_max_bits - scenario.data_min_bits), 0.01 * middle)
    parts.append((sight.data_bits - middle) / half)
    if csi:
        typical = path_gain(jnp.maximum(centre, scenario.distance_floor_m)[None], scenario)
        parts.append(jnp.log10(jnp.maximum(_known_gain(sight) / typical, 1e-6)))
    return parts


def unscaled(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """Distance [m] and data size [Mbit]; with `csi`, log10 of the gain."""
    parts = [jnp.asarray(sight.distance_m), jnp.asarray(sight.data_bits) / MBIT]
    if csi:
        parts.append(jnp.log10(jnp.maximum(_known_gain(sight), LEAST_UNSCALED_GAIN)))
    return parts


def physical(scenario: Scenario, sight: Sight, *, csi: bool) -> list[Float[Array, "*b K"]]:
    """Natural logarithms of the groups in `twinsync.quantity.PHYSICAL`, with the mean gain or (`csi`) the slot's."""
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
    # A capacitance of 0 is allowed and makes the energy 0; no group of a working device is this small.
    return [jnp.log(jnp.maximum(group, 1e-12)) for group in groups]


def _known_gain(sight: Sight) -> Float[Array, "*b K"]:
    if sight.channel_gain is None:
        raise InputError("observation = csi needs sight.channel_gain, got None")
    return jnp.asarray(sight.channel_gain)
