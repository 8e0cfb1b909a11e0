"""An independent formulation of the slot's problem for IPOPT, as a reference for the exact optimum."""

from __future__ import annotations

import casadi
import numpy as np

from twinsync.model import Slot
from twinsync.scenario import Scenario


def ipopt_cost(scenario: Scenario, slot: Slot, *, phi: np.ndarray | None = None, codec: bool = True) -> float:
    """Least T[n] + P of one slot [K], hinge or literal penalties, straight from eqs. (5) to (18) and (22)."""
    count, ghz = scenario.device_count, 1e9
    data, gain = np.asarray(slot.data_bits), np.asarray(slot.block_gain)[..., 0]
    rate_s = scenario.sensing_rate_bps or scenario.data_max_bits / (scenario.sensing_share * scenario.slot_s)
    z = casadi.SX.sym("z", 4 * count)
    factor, device, power, edge = (casadi.exp(part) for part in casadi.vertsplit(z, count))
    if scenario.workload_law == "power":
        work_en, work_de = factor**-scenario.extraction_exponent, factor ** (1 - scenario.recovery_exponent)
    else:
        work_en, work_de = 1 + 0 * factor, 1 + 0 * factor
    cycles = (scenario.cycles_per_bit * data if codec else 0.0 * data) / ghz
    rate = scenario.bandwidth_hz / count * casadi.log(1 + power * (gain / scenario.noise_power_w)) / np.log(2)
    t_up = data * factor / rate
    t_dt = cycles * work_en / device + t_up + cycles * work_de / edge
    energy = (
        scenario.sensing_energy_j_bit * data
        + cycles * ghz * work_en * (scenario.capacitance * ghz**2) * device**2
        + t_up * power
    )
    total = casadi.sum1(t_dt) + float(np.sum(data / rate_s))
    late, over, weight = casadi.SX.sym("late", count), casadi.SX.sym("over", count), scenario.penalty_weight
    capacity = scenario.edge_cpu_max_hz / ghz
    if scenario.penalty == "hinge":
        cost = total + weight * (casadi.sum1(late) + casadi.sum1(over))
        limits = [t_dt - scenario.deadline_s - late, energy - scenario.energy_budget_j - over]
    else:
        pooled = casadi.sum1(t_dt) - scenario.deadline_s + casadi.sum1(energy) - scenario.energy_budget_j
        cost = total + weight * (pooled + casadi.sum1(edge) - capacity)
        limits = []
    limits.append(casadi.sum1(edge) - capacity)
    problem = {"x": casadi.vertcat(z, late, over), "f": cost, "g": casadi.vertcat(*limits)}
    options = {
        "ipopt.print_level": 0,
        "print_time": False,
        "ipopt.tol": 1e-10,
        "ipopt.max_iter": 2000,
        "ipopt.sb": "yes",
    }
    options |= {"ipopt.bound_relax_factor": 0.0, "ipopt.honor_original_bounds": "yes"}
    solver = casadi.nlpsol("slot", "ipopt", problem, options)
    low, high = _bounds(scenario, count, phi, codec)
    start = 0.5 * (low + high)
    start[3 * count :] = np.log(max(0.9 * capacity / count, scenario.edge_cpu_min_hz / ghz))
    slack = np.zeros(2 * count)
    found = solver(
        x0=np.concatenate([start, slack + 1.0]),
        lbx=np.concatenate([low, slack]),
        ubx=np.concatenate([high, slack + np.inf]),
        lbg=-np.inf,
        ubg=0.0,
    )
    assert solver.stats()["success"], solver.stats()["return_status"]
    return float(found["f"])


def _bounds(scenario: Scenario, count: int, phi: np.ndarray | None, codec: bool) -> tuple[np.ndarray, np.ndarray]:
    one, ghz = np.ones(count), 1e9
    fixed = np.ones(count) if not codec else phi
    low_phi = one * scenario.extraction_factor_min if fixed is None else fixed
    high_phi = one if fixed is None else fixed
    low = [low_phi, one * scenario.device_cpu_min_hz / ghz, one * scenario.transmit_power_min_w]
    high = [high_phi, one * scenario.device_cpu_max_hz / ghz, one * scenario.transmit_power_max_w]
    low.append(one * scenario.edge_cpu_min_hz / ghz)
    high.append(one * scenario.edge_cpu_max_hz / ghz)
    return np.log(np.concatenate(low)), np.log(np.concatenate(high))
