"""The paper's environment in plain NumPy and Gymnasium, as it is commonly written: one copy, arrays of K devices.

`NumpyBatchEnv` is its plain vectorised form: the same lines on arrays [copies, K].

Written from the equations, without our model. Same state, action and reward as `twinsync/DTSync-v0` with its defaults.
"""

from __future__ import annotations

import gymnasium
import numpy as np

from twinsync.scenario import Scenario


class NumpyEnv(gymnasium.Env):
    """One copy, one slot a step."""

    def __init__(self, scenario: Scenario) -> None:
        self.s = scenario
        self.count = scenario.device_count
        self.shape: tuple[int, ...] = (self.count,)
        self.tau = scenario.slot_s
        self.sensing_rate = scenario.data_max_bits / (scenario.sensing_share * self.tau)
        self.centre = np.hypot(scenario.start_x_m, scenario.start_y_m)
        self.spread = scenario.start_radius_m + 0.5 * scenario.speed_mean_m_s * scenario.cycle_s
        self.spread += scenario.distance_floor_m
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2 * self.count,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (4 * self.count,), np.float32)

    def reset(self, *, seed=None, options=None):
        """A fresh cycle."""
        super().reset(seed=seed)
        s, rng = self.s, self.np_random
        radius = s.start_radius_m * np.sqrt(rng.random(self.shape))
        angle = 2 * np.pi * rng.random(self.shape)
        self.x = s.start_x_m + radius * np.cos(angle)
        self.y = s.start_y_m + radius * np.sin(angle)
        self.mean_direction = 2 * np.pi * rng.random(self.shape)
        self.direction = self.mean_direction.copy()
        self.speed = np.full(self.shape, s.speed_mean_m_s)
        self.n = 0
        self._enter()
        return self._observe(), {}

    def step(self, action):
        """Decide the slot, then walk to the next one."""
        reward = self.reward(action)
        self._walk()
        self._enter()
        self.n += 1
        return self._observe(), reward, self.n >= self.s.slot_count, False, {}

    def reward(self, action):
        """-T - P of the present slot."""
        s, data = self.s, self.data
        share = 0.5 * (np.clip(action, -1.0, 1.0) + 1.0)
        phi, device, power, edge = np.split(share, 4, axis=-1)
        phi = s.extraction_factor_min + phi * (1.0 - s.extraction_factor_min)
        device = s.device_cpu_min_hz + device * (s.device_cpu_max_hz - s.device_cpu_min_hz)
        power = s.transmit_power_min_w + power * (s.transmit_power_max_w - s.transmit_power_min_w)
        edge = s.edge_cpu_min_hz + edge * (s.edge_cpu_max_hz - s.edge_cpu_min_hz)
        total = edge.sum(-1)
        edge = edge * np.minimum(1.0, s.edge_cpu_max_hz / total)[..., None]

        extract_cycles = s.cycles_per_bit * data * phi**-s.extraction_exponent
        recover_cycles = s.cycles_per_bit * data * phi ** (1.0 - s.recovery_exponent)
        rate = s.bandwidth_hz / self.count * np.log2(1.0 + power * self.gain / s.noise_power_w)
        t_extract, t_recover = extract_cycles / device, recover_cycles / edge
        t_up = data * phi / rate
        cap = s.latency_cap_s
        t_sync = np.minimum(t_extract + t_up + t_recover, cap)
        # The device stops at the cap, and burns no energy past it.
        e_extract = s.capacitance * extract_cycles * device**2 / np.maximum(1.0, t_extract / cap)
        e_up = power * np.minimum(t_up, np.maximum(cap - t_extract, 0.0))
        energy = s.sensing_energy_j_bit * data + e_extract + e_up
        late = np.maximum(t_sync - s.deadline_s, 0.0).sum(-1)
        over = np.maximum(energy - s.energy_budget_j, 0.0).sum(-1)
        penalty = s.penalty_weight * (late + over + np.maximum(total - s.edge_cpu_max_hz, 0.0) / 1e9)
        return -((data / self.sensing_rate + t_sync).sum(-1) + penalty)

    def _walk(self) -> None:
        s, rng, a = self.s, self.np_random, self.s.speed_memory
        self.x += self.speed * self.tau * np.cos(self.direction)
        self.y += self.speed * self.tau * np.sin(self.direction)
        spread = np.sqrt(1.0 - a**2)
        noise = rng.standard_normal((2, *self.shape))
        speed = a * self.speed + (1.0 - a) * s.speed_mean_m_s + spread * s.speed_std_m_s * noise[0]
        self.speed = np.maximum(speed, 0.0)
        self.direction = a * self.direction + (1.0 - a) * self.mean_direction + spread * s.direction_std_rad * noise[1]

    def _enter(self) -> None:
        s, rng = self.s, self.np_random
        squared = self.x**2 + self.y**2 + s.station_height_m**2
        self.distance = np.maximum(np.sqrt(squared), s.distance_floor_m)
        self.data = rng.uniform(s.data_min_bits, s.data_max_bits, self.shape)
        fading = rng.standard_exponential(self.shape)
        self.gain = s.reference_gain * self.distance**-s.path_loss_exponent * fading

    def _observe(self) -> np.ndarray:
        s = self.s
        middle, half = 0.5 * (s.data_min_bits + s.data_max_bits), 0.5 * (s.data_max_bits - s.data_min_bits)
        parts = ((self.distance - self.centre) / self.spread, (self.data - middle) / half)
        return np.concatenate(parts, axis=-1).astype(np.float32)


class NumpyBatchEnv(NumpyEnv):
    """`copies` copies side by side; observations [copies, 2 K], actions [copies, 4 K]."""

    def __init__(self, scenario: Scenario, copies: int) -> None:
        super().__init__(scenario)
        self.copies, self.shape = copies, (copies, scenario.device_count)
