"""One slot's allocation as a smooth convex program in CasADi, for general solvers: hinge penalties, the paper's power
law.

Variables: ln(phi), ln(f), ln(p), ln(f_e) in nats of 1, GHz, W, GHz, and the hinges' slacks of deadline and energy.
The slot's data and gains are parameters, so that a solver is set up once for all slots.
"""

from __future__ import annotations

from typing import Any

import casadi
import numpy as np
from scipy.optimize import minimize

from twinsync.model import Slot
from twinsync.scenario import Scenario

GHZ = 1e9


class SlotProgram:
    """The program of a scenario's slots, and two solvers for it."""

    def __init__(self, scenario: Scenario) -> None:
        k = scenario.device_count
        z, slack = casadi.SX.sym("z", 4 * k), casadi.SX.sym("slack", 2 * k)
        data, gain = casadi.SX.sym("data", k), casadi.SX.sym("gain", k)
        phi, device, power, edge = (casadi.exp(part) for part in casadi.vertsplit(z, k))
        late, over = casadi.vertsplit(slack, k)
        cycles = scenario.cycles_per_bit * data / GHZ
        extract = cycles * phi**-scenario.extraction_exponent
        rate = scenario.bandwidth_hz / k * casadi.log1p(power * (gain / scenario.noise_power_w)) / np.log(2)
        t_up = data * phi / rate
        t_sync = extract / device + t_up + cycles * phi ** (1 - scenario.recovery_exponent) / edge
        e_extract = extract * GHZ * (scenario.capacitance * GHZ**2) * device**2
        energy = scenario.sensing_energy_j_bit * data + e_extract + t_up * power
        sensing_rate = scenario.data_max_bits / (scenario.sensing_share * scenario.slot_s)
        total = casadi.sum1(t_sync) + casadi.sum1(data) / sensing_rate
        cost = total + scenario.penalty_weight * (casadi.sum1(late) + casadi.sum1(over))
        capacity = scenario.edge_cpu_max_hz / GHZ
        limits = casadi.vertcat(
            t_sync - scenario.deadline_s - late, energy - scenario.energy_budget_j - over,
            casadi.sum1(edge) - capacity,
        )  # fmt: skip
        x, p = casadi.vertcat(z, slack), casadi.vertcat(data, gain)
        options: dict[str, Any] = {"ipopt.print_level": 0, "print_time": False, "ipopt.sb": "yes", "ipopt.tol": 1e-10}
        self._ipopt = casadi.nlpsol("slot", "ipopt", {"x": x, "p": p, "f": cost, "g": limits}, options)
        value = [cost, casadi.gradient(cost, x), limits, casadi.jacobian(limits, x)]
        self._value = casadi.Function("value", [x, p], [casadi.densify(part) for part in value])
        low = (scenario.extraction_factor_min, scenario.device_cpu_min_hz / GHZ)
        low += (scenario.transmit_power_min_w, scenario.edge_cpu_min_hz / GHZ)
        high = (1.0, scenario.device_cpu_max_hz / GHZ, scenario.transmit_power_max_w, capacity)
        self._low = np.concatenate([np.log(np.repeat(low, k)), np.zeros(2 * k)])
        self._high = np.concatenate([np.log(np.repeat(high, k)), np.full(2 * k, np.inf)])
        middle = 0.5 * (self._low + self._high)[: 4 * k]
        middle[3 * k :] = np.log(0.9 * capacity / k)
        self._start = np.concatenate([middle, np.ones(2 * k)])

    def ipopt(self, slot: Slot) -> float:
        """Least T + P of the slot, [K]."""
        found = self._ipopt(
            x0=self._start, p=_parameters(slot), lbx=self._low, ubx=self._high, lbg=-np.inf, ubg=0.0
        )  # fmt: skip
        assert self._ipopt.stats()["success"], self._ipopt.stats()["return_status"]
        return float(found["f"])

    def slsqp(self, slot: Slot) -> float:
        """The same by SciPy's SLSQP."""
        p = _parameters(slot)

        def part(i: int):
            return lambda x: np.asarray(self._value(x, p)[i])

        found = minimize(
            lambda x: part(0)(x).item(), self._start, jac=lambda x: part(1)(x).ravel(), method="SLSQP",
            bounds=np.stack([self._low, self._high], axis=1), options={"ftol": 1e-10, "maxiter": 500},
            constraints={"type": "ineq", "fun": lambda x: -part(2)(x).ravel(), "jac": lambda x: -part(3)(x)},
        )  # fmt: skip
        return float(found.fun)


def _parameters(slot: Slot) -> np.ndarray:
    return np.concatenate([slot.data_bits, np.asarray(slot.block_gain)[..., 0]]).astype(float)
