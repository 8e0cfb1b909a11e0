"""A whole slot: latencies, energies, violations and cost of an allocation, eqs. (15) to (19) and (22)."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from twinsync.arrays import Array, Bool, Float, Scalar
from twinsync.errors import InputError
from twinsync.model.channel import rate_bps, uplink_energy_j, uplink_latency_s
from twinsync.model.semantics import (
    compute_latency_s,
    extraction_energy_j,
    extraction_workload_bits,
    recovery_workload_bits,
)
from twinsync.model.sensing import sensing_energy_j, sensing_latency_s
from twinsync.scenario import Scenario


class Slot(eqx.Module):
    """The random quantities of one slot.

    distance_m: distance of each UD to the BS, at least the scenario's floor [m].
    data_bits: data each UD must synchronise, D_k[n] [bit].
    block_gain: channel power gain |g_k|^2 of eq. (10) in each of the slot's L fading blocks, path loss included.
    """

    distance_m: Float[Array, "*b K"]
    data_bits: Float[Array, "*b K"]
    block_gain: Float[Array, "*b K L"]

    @property
    def channel_gain(self) -> Float[Array, "*b K"]:
        """The slot's gain as an edge server would report it, the mean over the L blocks."""
        return jnp.mean(self.block_gain, axis=-1)


class Allocation(eqx.Module):
    """The decision for every UD in one slot: the action of eq. (21) in SI units.

    extraction_factor: phi_k, share of the data that is sent, in (0, 1].
    device_cpu_hz: CPU frequency f_k of the UD [Hz].
    transmit_power_w: transmit power p_k [W].
    edge_cpu_hz: edge CPU frequency f_k^e requested for the UD [Hz]; requests that exceed the server are scaled down.
    codec: if False, raw data are sent: nothing is extracted or recovered, and `extraction_factor` is ignored.
    """

    extraction_factor: Float[Array, "*b K"]
    device_cpu_hz: Float[Array, "*b K"]
    transmit_power_w: Float[Array, "*b K"]
    edge_cpu_hz: Float[Array, "*b K"]
    codec: bool = eqx.field(static=True, default=True)


GHZ = 1e9
ROUNDING = 1e-6  # relative excess over a limit that float32 rounding alone can cause


class Violations(eqx.Module):
    """By how much each constraint of (19) is violated; 0 where it holds. SI units; [*b, K] except `edge_cpu_hz`, [*b].

    `deadline_s` refers to the uncapped latency.
    """

    sensing_s: Float[Array, "*b K"]  # (19b) t_s above eta tau
    deadline_s: Float[Array, "*b K"]  # (19c) t_dt above (1 - eta) tau
    energy_j: Float[Array, "*b K"]  # (19d) e above E_max
    extraction_factor: Float[Array, "*b K"]  # (19e) phi outside [phi_min, 1]
    device_cpu_hz: Float[Array, "*b K"]  # (19f) f outside [f_min, f_u_max]
    transmit_power_w: Float[Array, "*b K"]  # (19g) p outside [p_min, p_max]
    edge_cpu_hz: Float[Array, "*b"]  # (19h) sum of requests above f_e_max, plus shortfalls below f_e_min


class Outcome(eqx.Module):
    """Result of an allocation in a slot. Latencies in s, energies in J, `sent_bits` in bit; [*b, K], totals [*b].

    `sync_latency_s` is t_dt of (15), uncapped. `capped_sync_latency_s` ends at the scenario's cap, where the
    synchronisation is given up and the UD is in `outage`. Totals, penalty and cost use the capped latency. The UD first
    extracts, then sends, and spends no energy beyond the cap. `total_latency_s` is T[n], the sum over UDs of t_s and
    capped t_dt; `penalty` is P of (22); `cost` is T[n] + P, which is also the sum of `device_cost` over UDs.
    """

    sensing_latency_s: Float[Array, "*b K"]
    extraction_latency_s: Float[Array, "*b K"]
    uplink_latency_s: Float[Array, "*b K"]
    recovery_latency_s: Float[Array, "*b K"]
    sync_latency_s: Float[Array, "*b K"]
    capped_sync_latency_s: Float[Array, "*b K"]
    outage: Bool[Array, "*b K"]
    sensing_energy_j: Float[Array, "*b K"]
    extraction_energy_j: Float[Array, "*b K"]
    uplink_energy_j: Float[Array, "*b K"]
    energy_j: Float[Array, "*b K"]
    total_latency_s: Float[Array, "*b"]
    penalty: Float[Array, "*b"]
    cost: Float[Array, "*b"]
    device_cost: Float[Array, "*b K"]
    violations: Violations
    sent_bits: Float[Array, "*b K"]


def executed_edge_cpu_hz(requested_hz: Float[Array, "*b K"], scenario: Scenario) -> Float[Array, "*b K"]:
    """Edge CPU granted: requests that together exceed the capacity of (19h) are scaled down to it [Hz]."""
    return requested_hz * jnp.minimum(1.0, scenario.edge_cpu_max_hz / over_devices(requested_hz)[..., None])


def over_devices(x: Float[Array, "*b K"]) -> Float[Array, "*b"]:
    """The sum over UDs, as a product with ones: a batched sum over a short axis takes three times as long."""
    return jnp.matmul(x, jnp.ones(x.shape[-1], x.dtype), precision="highest")


def penalty_of(
    sync_latency_s: Float[Array, "*b K"],
    energy_j: Float[Array, "*b K"],
    requested_edge_hz: Float[Array, "*b K"],
    scenario: Scenario,
) -> Float[Array, "*b"]:
    """Penalty P of eq. (22): W times the seconds, joules and GHz above the limits.

    `hinge`: the excess of each UD and of the sum of requests, clipped at 0. `literal`: as printed, each sum over UDs
    less one limit, unclipped. Raises `InputError` for an unknown form.
    """
    return over_devices(device_penalty_of(sync_latency_s, energy_j, requested_edge_hz, scenario))


def device_penalty_of(
    sync_latency_s: Float[Array, "*b K"],
    energy_j: Float[Array, "*b K"],
    requested_edge_hz: Float[Array, "*b K"],
    scenario: Scenario,
) -> Float[Array, "*b K"]:
    """Each UD's part of P: its own excess, and an equal share of the excess of the sum of requests.

    Raises `InputError` for an unknown form of penalty.
    """
    count = scenario.device_count
    edge_excess = (over_devices(requested_edge_hz)[..., None] - scenario.edge_cpu_max_hz) / GHZ
    if scenario.penalty == "literal":
        late = sync_latency_s - scenario.deadline_s / count
        over = energy_j - scenario.energy_budget_j / count
        return scenario.penalty_weight * (late + over + edge_excess / count)
    if scenario.penalty != "hinge":
        raise InputError(f"penalty = {scenario.penalty!r} has no formula; known: hinge, literal")
    late = jnp.maximum(sync_latency_s - scenario.deadline_s, 0.0)
    over = jnp.maximum(energy_j - scenario.energy_budget_j, 0.0)
    return scenario.penalty_weight * (late + over + jnp.maximum(edge_excess, 0.0) / count)


def slot_outcome(scenario: Scenario, slot: Slot, allocation: Allocation, *, capped: bool = True) -> Outcome:
    """Latencies, energies, violations and cost of an allocation in a slot, or in a batch of both; see `Outcome`.

    `capped=False` ignores the latency cap, except in `outage`. Raises `InputError` for an unknown workload law or
    penalty.
    """
    data = slot.data_bits
    phi = allocation.extraction_factor if allocation.codec else jnp.ones_like(data)
    t_sense = sensing_latency_s(data, scenario)
    t_extract, e_extract, t_recover = _codec(scenario, data, allocation)
    rate = rate_bps(allocation.transmit_power_w, slot.block_gain, scenario)
    t_up = uplink_latency_s(data, phi, rate)
    t_sync = t_extract + t_up + t_recover
    cap = scenario.latency_cap_s if capped else jnp.inf
    t_sync_capped = jnp.minimum(t_sync, cap)
    # The UD extracts, then sends; past the cap it does neither.
    e_extract = e_extract / jnp.maximum(1.0, t_extract / cap)
    airtime = jnp.minimum(t_up, jnp.maximum(cap - t_extract, 0.0))
    e_sense = sensing_energy_j(data, scenario)
    e_up = uplink_energy_j(airtime, allocation.transmit_power_w)
    energy = e_sense + e_extract + e_up
    total = over_devices(t_sense + t_sync_capped)
    device_penalty = device_penalty_of(t_sync_capped, energy, allocation.edge_cpu_hz, scenario)
    penalty = over_devices(device_penalty)
    return Outcome(
        sensing_latency_s=t_sense,
        extraction_latency_s=t_extract,
        uplink_latency_s=t_up,
        recovery_latency_s=t_recover,
        sync_latency_s=t_sync,
        capped_sync_latency_s=t_sync_capped,
        outage=t_sync >= scenario.latency_cap_s,
        sensing_energy_j=e_sense,
        extraction_energy_j=e_extract,
        uplink_energy_j=e_up,
        energy_j=energy,
        total_latency_s=total,
        penalty=penalty,
        cost=total + penalty,
        device_cost=t_sense + t_sync_capped + device_penalty,
        violations=_violations(scenario, allocation, t_sense, t_sync, energy),
        sent_bits=data * phi,
    )


def _codec(
    scenario: Scenario, data_bits: Float[Array, "*b K"], allocation: Allocation
) -> tuple[Float[Array, "*b K"], Float[Array, "*b K"], Float[Array, "*b K"]]:
    """Extraction latency [s], extraction energy [J] and recovery latency [s]; all 0 if raw data are sent."""
    if not allocation.codec:
        nothing = jnp.zeros_like(data_bits)
        return nothing, nothing, nothing
    extraction = extraction_workload_bits(data_bits, allocation.extraction_factor, scenario)
    recovery = recovery_workload_bits(data_bits, allocation.extraction_factor, scenario)
    edge_hz = executed_edge_cpu_hz(allocation.edge_cpu_hz, scenario)
    return (
        compute_latency_s(extraction, allocation.device_cpu_hz, scenario.cycles_per_bit),
        extraction_energy_j(extraction, allocation.device_cpu_hz, scenario),
        compute_latency_s(recovery, edge_hz, scenario.cycles_per_bit),
    )


def _violations(
    scenario: Scenario,
    allocation: Allocation,
    t_sense: Float[Array, "*b K"],
    t_sync: Float[Array, "*b K"],
    energy: Float[Array, "*b K"],
) -> Violations:
    def above(value: Float[Array, "*c"], limit: Scalar) -> Float[Array, "*c"]:
        excess = value - limit
        return jnp.where(excess > ROUNDING * limit, excess, 0.0)

    def outside(value: Float[Array, "*c"], low: Scalar, high: Scalar) -> Float[Array, "*c"]:
        return above(value, high) + jnp.where(low - value > ROUNDING * low, low - value, 0.0)

    edge = allocation.edge_cpu_hz
    starved = over_devices(outside(edge, scenario.edge_cpu_min_hz, jnp.inf))
    return Violations(
        sensing_s=above(t_sense, scenario.sensing_share * scenario.slot_s),
        deadline_s=above(t_sync, scenario.deadline_s),
        energy_j=above(energy, scenario.energy_budget_j),
        extraction_factor=outside(allocation.extraction_factor, scenario.extraction_factor_min, 1.0),
        device_cpu_hz=outside(allocation.device_cpu_hz, scenario.device_cpu_min_hz, scenario.device_cpu_max_hz),
        transmit_power_w=outside(
            allocation.transmit_power_w, scenario.transmit_power_min_w, scenario.transmit_power_max_w
        ),
        edge_cpu_hz=above(over_devices(edge), scenario.edge_cpu_max_hz) + starved,
    )
