"""The allocator in the edge, and the model's prediction for what it decided."""

from __future__ import annotations

from collections.abc import Mapping

import equinox as eqx
import jax
import numpy as np

from twinsync.allocators.protocol import DECISIONS, checked, observation_of
from twinsync.allocators.registry import find_allocators
from twinsync.environment.interface import Sight
from twinsync.live.protocol import effects as do
from twinsync.live.protocol.messages import Allocation
from twinsync.live.radio.rates import Draws
from twinsync.live.running.records import Parts
from twinsync.model.slot import Allocation as Allocations
from twinsync.model.slot import executed_edge_cpu_hz, slot_outcome
from twinsync.scenario import Scenario
from twinsync.streams import fold, root_key, stream

_outcome = eqx.filter_jit(slot_outcome)


class Decider:
    """An allocator by name for the devices of a cell."""

    def __init__(self, name: str, scenario: Scenario, things: tuple[str, ...], draws: Draws, seed: int) -> None:
        """Raises `InputError` for an unknown allocator."""
        # As Python numbers they would be part of the compiled program.
        self.scenario = jax.tree.map(np.float64, scenario)
        self._name = name
        self._allocator = find_allocators(name, scenario)[0]
        self._things = things
        self._draws = draws
        self._key = stream(root_key(seed), "live allocator")

    def decide(self, slot: int, sights: Mapping[str, do.Sight]) -> dict[str, Allocation]:
        """Allocate for the devices that reported.

        The allocator is always asked for all K; for the others it is given what the reporting ones have in the mean.
        Raises `InputError` for what is no allocation.
        """
        seen = [sights.get(thing) for thing in self._things]
        present = [sight for sight in seen if sight is not None]
        distance = np.mean([sight.distance_m for sight in present])
        bits = np.mean([sight.data_bits for sight in present])
        gain = self._draws.at(slot).channel_gain[None] if observation_of(self._allocator) == "csi" else None
        sight = Sight(
            np.array([[distance if each is None else each.distance_m for each in seen]]),
            np.array([[bits if each is None else each.data_bits for each in seen]]),
            gain,
        )
        with jax.enable_x64(True):
            decided = checked(
                self._name, self._allocator(self.scenario, sight, fold(self._key, slot)), (1, len(self._things))
            )
            return self._granted(decided, sights)

    def _granted(self, decided: Allocations, sights: Mapping[str, do.Sight]) -> dict[str, Allocation]:
        arrays = {field: getattr(decided, field) for field in DECISIONS}
        low, high = self.scenario.extraction_factor_min, 1.0
        arrays["extraction_factor"] = np.clip(arrays["extraction_factor"], low, high)
        arrays["edge_cpu_hz"] = np.asarray(executed_edge_cpu_hz(arrays["edge_cpu_hz"], self.scenario))
        return {
            thing: Allocation(*(float(arrays[field][0, place]) for field in DECISIONS))
            for place, thing in enumerate(self._things)
            if thing in sights
        }

    def predict(self, slot: int, allocations: Mapping[str, Allocation]) -> dict[str, tuple[Parts, float]]:
        """The model's parts and energy of each device for its allocation and the slot's draws, without the cap."""
        some = next(iter(allocations.values()))
        each = [allocations.get(thing, some) for thing in self._things]
        phi, device, power, edge = (np.array([getattr(one, field) for one in each]) for field in DECISIONS)
        with jax.enable_x64(True):
            outcome = _outcome(self.scenario, self._draws.at(slot), Allocations(phi, device, power, edge), capped=False)
        parts = (
            *(outcome.sensing_latency_s, outcome.extraction_latency_s, outcome.uplink_latency_s),
            outcome.recovery_latency_s,
        )
        columns = [np.asarray(part, dtype=float).tolist() for part in parts]
        energy = np.asarray(outcome.energy_j, dtype=float).tolist()
        return {
            thing: (Parts(*(column[place] for column in columns)), energy[place])
            for place, thing in enumerate(self._things)
            if thing in allocations
        }
