"""The schemes' decisions for one device as its distance or its data size varies, with the other devices fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.protocol import DECISIONS, Allocator, observation_of
from twinsync.arrays import Float, Key
from twinsync.experiments.evaluate import decide, draw_slot_set
from twinsync.experiments.records import PolicyLine, PolicyPicture
from twinsync.model import Slot
from twinsync.model.channel import block_gain, stratified_fading
from twinsync.scenario import Scenario
from twinsync.streams import root_key, stream

AXES = ("distance_m", "data_bits")
POINTS, DRAWS = 21, 24
_DRAWN_SLOTS = 500  # slots whose distances give the others' distance and the range of the device's own


def policy_picture(
    scenario: Scenario,
    schemes: Mapping[str, Sequence[Allocator]],
    *,
    seed: int = 0,
    points: int | None = None,
    draws: int | None = None,
    batch: int | None = None,
    tell: Callable[[str], None] = lambda name: None,
) -> PolicyPicture:
    """Each scheme's decisions for device 1 at `points` distances, from the scenario's 1st to its 99th percentile, with
    the mean data size, and at `points` data sizes over the scenario's range, at the median distance. The other devices
    are always at the median distance with the mean data size.

    A scheme that sees the channel decides at every place under the same `draws` channel draws; its median and its 10th
    and 90th percentiles are over these. For other schemes they are over the policies, one per training seed.
    points, draws: by default `POINTS` and `DRAWS`. batch: slots decided at once, by default all; an evaluation's number
    of slots saves a compilation for another shape. tell: called with the name of the next scheme.

    Raises `InputError` that names a scheme that cannot decide in this scenario.
    """
    points, draws = points or POINTS, draws or DRAWS
    # As Python numbers the constants would be compiled in, and every scenario would need its own compilation.
    scenario = jax.tree.map(np.float64, scenario)
    drawn = np.asarray(draw_slot_set(scenario, seed, 0, _DRAWN_SLOTS)[0].distance_m)
    near, median, far = (float(value) for value in np.quantile(drawn, (0.01, 0.5, 0.99)))
    usual = (scenario.data_min_bits + scenario.data_max_bits) / 2
    own = {
        "distance_m": np.linspace(near, far, points),
        "data_bits": np.linspace(float(scenario.data_min_bits), float(scenario.data_max_bits), points),
    }
    lines = []
    with jax.enable_x64(True):
        key = stream(root_key(seed), "policy picture")
        distance = np.full((len(AXES), points, scenario.device_count), median)
        data = np.full_like(distance, usual)
        distance[0, :, 0], data[1, :, 0] = own["distance_m"], own["data_bits"]
        for name, policies in schemes.items():
            tell(name)
            sees = observation_of(policies[0]) == "csi"
            slots = _slots(scenario, distance, data, draws if sees else 1, key)
            decided = np.stack([_first_device(name, policy, scenario, slots, key, batch) for policy in policies])
            # [repetitions, axis, point, decision]
            decided = decided.reshape(-1, len(AXES), points, len(DECISIONS))
            lines += [_line(name, axis, own[axis], decided[:, place]) for place, axis in enumerate(AXES)]
    return PolicyPicture(seed, draws, scenario.device_count, median, float(usual), tuple(lines))


def _slots(
    scenario: Scenario,
    distance_m: Float[np.ndarray, "2 P K"],
    data_bits: Float[np.ndarray, "2 P K"],
    draws: int,
    key: Key,
) -> Slot:
    """Every place under every channel draw, ordered by draw: a batch of draws * 2 * P slots."""
    places = (draws, *distance_m.shape)
    fading = stratified_fading(key, (scenario.device_count, scenario.fading_blocks), draws)
    distance, data = (np.broadcast_to(values, places).reshape(-1, places[-1]) for values in (distance_m, data_bits))
    each = jnp.broadcast_to(fading[:, None, None], (*places, scenario.fading_blocks))
    gain = block_gain(jnp.asarray(distance), each.reshape(-1, *each.shape[-2:]), scenario)
    return Slot(np.array(distance), np.array(data), np.asarray(gain))


def _first_device(
    name: str, policy: Allocator, scenario: Scenario, slots: Slot, key: Key, batch: int | None
) -> Float[np.ndarray, "S 4"]:
    """A policy's decisions for the first device of each slot, computed `batch` slots at a time."""
    count = len(slots.distance_m)
    size = batch or count
    parts = []
    for start in range(0, count, size):
        # The last batch is padded by repeating its slots.
        chosen = np.resize(np.arange(start, min(start + size, count)), size)
        allocation = decide(
            name, policy, scenario, jax.tree.map(lambda values, chosen=chosen: values[chosen], slots), key
        )
        parts.append(np.stack([np.asarray(getattr(allocation, part))[:, 0] for part in DECISIONS], axis=-1))
    return np.concatenate(parts)[:count]


def _line(scheme: str, axis: str, x: Float[np.ndarray, " P"], decided: Float[np.ndarray, "R P 4"]) -> PolicyLine:
    median, low, high = (
        {part: tuple(values[:, place].tolist()) for place, part in enumerate(DECISIONS)}
        for values in np.quantile(decided, (0.5, 0.1, 0.9), axis=0)
    )
    return PolicyLine(scheme, axis, tuple(x.tolist()), median, low, high)
