"""The face between a decision-maker and a slot: observation of eq. (20) in, action of eq. (21) out, both O(1).

Vectors are grouped by quantity, as the paper writes them: d_1..d_K, D_1..D_K (and gains, and given phis) in, and
phi_1..phi_K, f_1..f_K, p_1..p_K, f^e_1..f^e_K out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import jax
import jax.numpy as jnp

from twinsync.arrays import Array, Float, Key, Scalar
from twinsync.environment.encoding import affine, physical, unscaled
from twinsync.environment.sight import Sight
from twinsync.errors import InputError
from twinsync.groups import PHYSICAL
from twinsync.model.allocation import Allocation
from twinsync.scenario import Scenario

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
    `physical` tells dimensionless groups, which serve any scenario and any K (see `encoding`).
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
