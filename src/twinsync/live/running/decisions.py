"""The allocator in the edge, and the model's prediction for what it decided."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import numpy as np

from twinsync.allocators.protocol import DECISIONS, checked, observation_of
from twinsync.allocators.registry import find_allocators
from twinsync.codec.ends import CAMERA
from twinsync.environment.interface import Sight
from twinsync.live.protocol import effects as do
from twinsync.live.protocol.frame import least_factor
from twinsync.live.protocol.messages import Allocation
from twinsync.live.radio.rates import Draws
from twinsync.live.running.catch_up import caught_up
from twinsync.live.running.records import Parts
from twinsync.model.slot import Allocation as Allocations
from twinsync.model.slot import executed_edge_cpu_hz, slot_outcome
from twinsync.scenario import Scenario
from twinsync.streams import fold, root_key, stream

_outcome = eqx.filter_jit(slot_outcome)
_executed, _fold = eqx.filter_jit(executed_edge_cpu_hz), eqx.filter_jit(fold)
OURS = "twinsync.allocators."


class Decider:
    """An allocator by name for the devices of a cell."""

    def __init__(
        self, name: str, scenario: Scenario, things: tuple[str, ...], draws: Draws, seed: int, catch_up: bool = True
    ) -> None:
        """`catch_up`: grant more phi to a camera whose twin is worse than the scenario's law of accuracy says.

        Raises `InputError` for an unknown allocator.
        """
        # As Python numbers they would be part of the compiled program.
        self.scenario = jax.tree.map(np.float64, scenario)
        self.name = name
        self._seed = seed
        self._allocator = find_allocators(name, scenario)[0]
        self._program = self._traced() if type(self._allocator).__module__.startswith(OURS) else None
        self._catch_up = catch_up
        self._things = things
        self._draws = draws
        self._key = stream(root_key(seed), "live allocator")

    def _traced(self) -> Callable[..., Allocations]:
        """The allocator as one program: step by step each of its operations costs a hand-over between threads."""
        allocator = self._allocator
        return eqx.filter_jit(lambda scenario, sight, key, slot: allocator(scenario, sight, fold(key, slot)))

    def _ask(self, sight: Sight, slot: int) -> object:
        """What the allocator returns; a user's own, and one that JAX cannot trace, is called as it is."""
        if self._program is not None:
            try:
                return self._program(self.scenario, sight, self._key, np.uint32(slot))
            except Exception:  # it computes outside of JAX, or is wrong, which it will say itself
                self._program = None
        return self._allocator(self.scenario, sight, _fold(self._key, np.uint32(slot)))

    def changed(self, name: str, slot: int) -> Decider:
        """Another allocator for the same devices; it has decided once, on a slot's draws, so that it is compiled.

        Raises `InputError` for an unknown allocator, and for one that does not allocate.
        """
        other = Decider(name, self._draws.scenario, self._things, self._draws, self._seed, self._catch_up)
        seen = self._draws.at(slot)
        pairs = zip(seen.distance_m.tolist(), seen.data_bits.tolist(), strict=True)
        other.decide(slot, dict(zip(self._things, (do.Sight(*pair) for pair in pairs), strict=True)))
        return other

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
            decided = checked(self.name, self._ask(sight, slot), (1, len(self._things)))
            return self._granted(decided, sights)

    def _granted(self, decided: Allocations, sights: Mapping[str, do.Sight]) -> dict[str, Allocation]:
        arrays = {field: getattr(decided, field) for field in DECISIONS}
        # Of sensors of several sizes a small one needs a larger phi for its frame's header.
        least = [least_factor(sights[thing].data_bits) if thing in sights else 0.0 for thing in self._things]
        low, high = np.maximum(self.scenario.extraction_factor_min, least), 1.0
        factor = np.clip(arrays["extraction_factor"], low, high)
        if self._catch_up and len(self.scenario.accuracy_knots) > 0:
            factor = caught_up(factor[0], self._twins_db(sights), self.scenario.accuracy_knots)[None]
        arrays["extraction_factor"] = factor
        arrays["edge_cpu_hz"] = np.asarray(_executed(arrays["edge_cpu_hz"], self.scenario))
        columns = [arrays[field][0].tolist() for field in DECISIONS]
        granted = zip(self._things, zip(*columns, strict=True), strict=True)
        return {thing: Allocation(*parts) for thing, parts in granted if thing in sights}

    def _twins_db(self, sights: Mapping[str, do.Sight]) -> np.ndarray:
        """PSNR of the cameras' twins [K], NaN of other sensors and of who does not report."""
        seen = [sights.get(thing) for thing in self._things]
        return np.array([each.twin_db if each is not None and each.kind == CAMERA else np.nan for each in seen])

    def predict(
        self, slot: int, allocations: Mapping[str, Allocation], sights: Mapping[str, do.Sight]
    ) -> dict[str, tuple[Parts, float]]:
        """The model's parts and energy of each device, without the cap.

        They are for its allocation, the size D that it reported, and the slot's draws of the channel.
        """
        some, seen = next(iter(allocations.values())), next(iter(sights.values()))
        each = [allocations.get(thing, some) for thing in self._things]
        bits = np.array([sights.get(thing, seen).data_bits for thing in self._things])
        phi, device, power, edge = (np.array([getattr(one, field) for one in each]) for field in DECISIONS)
        with jax.enable_x64(True):
            drawn = dataclasses.replace(self._draws.at(slot), data_bits=bits)
            outcome = _outcome(self.scenario, drawn, Allocations(phi, device, power, edge), capped=False)
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
