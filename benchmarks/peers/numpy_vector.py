"""The same environment in NumPy tuned by hand: float32, batch axis last, work arrays allocated once.

Made as fast as NumPy allows without leaving NumPy: blocks that stay in the cache are left to the caller's choice of the
number of copies; powers with the paper's exponents are written as the products they are; all noise of a slot comes from
one call each.
"""

from __future__ import annotations

import numpy as np

from twinsync.scenario import Scenario


class NumpyVectorEnv:
    """`copies` copies side by side; arrays [K, copies], observations [2 K, copies], actions [4 K, copies]."""

    def __init__(self, scenario: Scenario, copies: int, seed: int = 0) -> None:
        self.s, self.copies, self.count = scenario, copies, scenario.device_count
        self.rng = np.random.Generator(np.random.SFC64(seed))
        self.tau = np.float32(scenario.slot_s)
        self.sensing_rate = np.float32(scenario.data_max_bits / (scenario.sensing_share * scenario.slot_s))
        shape = (self.count, copies)
        for name in ("x", "y", "speed", "direction", "mean_direction", "distance", "gain"):
            setattr(self, name, np.empty(shape, np.float32))
        self.data, self.draw = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self.noise = np.empty((2, *shape), np.float32)
        self.work = np.empty((8, *shape), np.float32)
        self.share = np.empty((4, *shape), np.float32)
        self.observation = np.empty((2, *shape), np.float32)
        middle, half = (
            0.5 * (scenario.data_min_bits + scenario.data_max_bits),
            0.5 * (scenario.data_max_bits - scenario.data_min_bits),
        )
        spread = scenario.start_radius_m + 0.5 * scenario.speed_mean_m_s * scenario.cycle_s + scenario.distance_floor_m
        centre = np.hypot(scenario.start_x_m, scenario.start_y_m)
        self.scale = [(np.float32(1 / spread), np.float32(-centre / spread)), (np.float32(1 / half),
                      np.float32(-middle / half))]  # fmt: skip

    def reset(self) -> np.ndarray:
        """A fresh cycle in every copy."""
        s, rng = self.s, self.rng
        radius, angle = self.work[0], self.work[1]
        rng.random(out=radius, dtype=np.float32)
        rng.random(out=angle, dtype=np.float32)
        rng.random(out=self.mean_direction, dtype=np.float32)
        np.sqrt(radius, out=radius)
        radius *= np.float32(s.start_radius_m)
        angle *= np.float32(2 * np.pi)
        self.mean_direction *= np.float32(2 * np.pi)
        np.multiply(radius, np.cos(angle), out=self.x)
        np.multiply(radius, np.sin(angle), out=self.y)
        self.x += np.float32(s.start_x_m)
        self.y += np.float32(s.start_y_m)
        self.direction[:] = self.mean_direction
        self.speed[:] = s.speed_mean_m_s
        self.n = 0
        self._enter()
        return self._observe()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
        """Decide the slot of every copy, then walk to the next one; a cycle that ends is followed by a fresh one."""
        reward = self.reward(action)
        self.n += 1
        over = self.n >= self.s.slot_count
        if over:
            return self.reset(), reward, True
        self._walk()
        self._enter()
        return self._observe(), reward, False

    def reward(self, action: np.ndarray) -> np.ndarray:
        """-T - P of the present slot of every copy, [copies]."""
        s, f = self.s, np.float32
        np.clip(action.reshape(self.share.shape), -1, 1, out=self.share)
        low = (s.extraction_factor_min, s.device_cpu_min_hz, s.transmit_power_min_w, s.edge_cpu_min_hz)
        high = (1.0, s.device_cpu_max_hz, s.transmit_power_max_w, s.edge_cpu_max_hz)
        for row, a, b in zip(self.share, low, high, strict=True):
            row *= f(0.5 * (b - a))
            row += f(0.5 * (a + b))
        phi, device, power, edge = self.share
        extract, recover, up, air, snr, sync, energy, spare = self.work
        total = edge.sum(0)
        edge *= np.minimum(f(s.edge_cpu_max_hz) / total, f(1.0))
        np.log(phi, out=spare)
        np.multiply(spare, f(-s.extraction_exponent), out=extract)
        np.exp(extract, out=extract)
        extract *= self.data
        extract *= f(s.cycles_per_bit)
        np.multiply(extract, device, out=energy)
        energy *= f(s.capacitance)
        energy *= device
        extract /= device
        np.multiply(spare, f(1.0 - s.recovery_exponent), out=recover)
        np.exp(recover, out=recover)
        recover *= self.data
        recover *= f(s.cycles_per_bit)
        recover /= edge
        np.multiply(power, self.gain, out=snr)
        snr *= f(1.0 / s.noise_power_w)
        np.log1p(snr, out=snr)
        snr *= f(s.bandwidth_hz / self.count / np.log(2.0))
        np.multiply(self.data, phi, out=up)
        up /= snr
        cap = f(s.latency_cap_s)
        np.add(extract, up, out=sync)
        sync += recover
        np.minimum(sync, cap, out=sync)
        np.multiply(extract, f(1.0) / cap, out=spare)
        np.maximum(spare, f(1.0), out=spare)
        energy /= spare
        np.subtract(cap, extract, out=air)
        np.maximum(air, f(0.0), out=air)
        np.minimum(air, up, out=air)
        air *= power
        energy += air
        np.multiply(self.data, f(s.sensing_energy_j_bit), out=spare)
        energy += spare
        energy -= f(s.energy_budget_j)
        np.maximum(energy, f(0.0), out=energy)
        np.subtract(sync, f(s.deadline_s), out=spare)
        np.maximum(spare, f(0.0), out=spare)
        energy += spare
        energy *= f(s.penalty_weight)
        energy += sync
        np.multiply(self.data, f(1.0) / self.sensing_rate, out=spare)
        energy += spare
        cost = energy.sum(0)
        total -= f(s.edge_cpu_max_hz)
        np.maximum(total, f(0.0), out=total)
        total *= f(s.penalty_weight / 1e9)
        cost += total
        return -cost

    def _walk(self) -> None:
        s, f, a = self.s, np.float32, self.s.speed_memory
        step, turn = self.work[0], self.work[1]
        np.multiply(self.speed, self.tau, out=step)
        np.cos(self.direction, out=turn)
        turn *= step
        self.x += turn
        np.sin(self.direction, out=turn)
        turn *= step
        self.y += turn
        self.rng.standard_normal(out=self.noise, dtype=np.float32)
        spread = np.sqrt(1.0 - a**2)
        self.noise[0] *= f(spread * s.speed_std_m_s)
        self.noise[1] *= f(spread * s.direction_std_rad)
        self.speed *= f(a)
        self.speed += self.noise[0]
        self.speed += f((1.0 - a) * s.speed_mean_m_s)
        np.maximum(self.speed, f(0.0), out=self.speed)
        self.direction *= f(a)
        self.direction += self.noise[1]
        np.multiply(self.mean_direction, f(1.0 - a), out=turn)
        self.direction += turn

    def _enter(self) -> None:
        s, f = self.s, np.float32
        np.multiply(self.x, self.x, out=self.distance)
        np.multiply(self.y, self.y, out=self.draw)
        self.distance += self.draw
        self.distance += f(s.station_height_m**2)
        np.sqrt(self.distance, out=self.distance)
        np.maximum(self.distance, f(s.distance_floor_m), out=self.distance)
        self.rng.random(out=self.data, dtype=np.float32)
        self.data *= f(s.data_max_bits - s.data_min_bits)
        self.data += f(s.data_min_bits)
        self.rng.standard_exponential(out=self.draw, dtype=np.float32)
        np.log(self.distance, out=self.gain)
        self.gain *= f(-s.path_loss_exponent)
        np.exp(self.gain, out=self.gain)
        self.gain *= f(s.reference_gain)
        self.gain *= self.draw

    def _observe(self) -> np.ndarray:
        for row, value, (factor, shift) in zip(self.observation, (self.distance, self.data), self.scale, strict=True):
            np.multiply(value, factor, out=row)
            row += shift
        return self.observation.reshape(-1, self.copies)
