"""A recorded run decided and coded again: the same allocations and the same streams, or where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from twinsync.codec.container import StreamError
from twinsync.codec.ends import KINDS, EdgeEnd
from twinsync.live.protocol import effects as do
from twinsync.live.protocol.frame import ALONE
from twinsync.live.radio.rates import Draws
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import Cell
from twinsync.live.running.decisions import Decider
from twinsync.live.running.documents import stored_feature
from twinsync.live.running.sources import Source
from twinsync.live.store.interface import TwinStore
from twinsync.scenario import Scenario

Progress = Callable[[str, int, int], None]


class Replay(msgspec.Struct):
    """How many allocations and streams were made again, how many are the same, and a line for each that differs.

    unknown: streams whose reference is no longer stored, so that they cannot be made again.
    """

    allocations: int = 0
    same_allocations: int = 0
    streams: int = 0
    same_streams: int = 0
    unknown: int = 0
    differences: list[str] = []


def replay(folder: Path, cell: Cell, progress: Progress = lambda what, done, total: None) -> Replay:
    """Decide and code the last start of a cell again, from its raw files. Raises `InputError`."""
    result = Replay(differences=[])
    slots = [slot for slot in records.read(folder / names.SLOTS_FILE) if slot.slot >= cell.first_slot]
    cell = cell.with_sensors()
    _decide_again(cell, cell.load_scenario(), slots, result, progress)
    store = names.open_twins(folder)
    try:
        for place, thing in enumerate(cell.things):
            progress("streams", place, cell.devices)
            _code_again(store, thing, cell.first_slot, cell.source_of(thing), result)
    finally:
        store.close()
    return result


def _decide_again(
    cell: Cell, scenario: Scenario, slots: list[records.SlotRecord], result: Replay, progress: Progress
) -> None:
    draws, deciders = Draws(scenario, cell.seed), dict[str, Decider]()
    for place, record in enumerate(slots):
        progress("allocations", place, len(slots))
        granted = {thing: each for thing, each in record.devices.items() if each.allocation is not None}
        if not granted:
            continue
        name = record.allocator or cell.allocator
        if name not in deciders:
            deciders[name] = Decider(name, scenario, cell.things, draws, cell.seed, cell.catch_up)
        sights = {
            thing: _sight(each, each.distance_m, each.data_bits)
            for thing, each in granted.items()
            if each.distance_m is not None and each.data_bits is not None
        }
        decided = deciders[name].decide(record.slot, sights) if sights else {}
        for thing, each in granted.items():
            result.allocations += 1
            if decided.get(thing) == each.allocation:
                result.same_allocations += 1
            else:
                result.differences.append(
                    f"slot {record.slot}, {thing}: {name} decides {decided.get(thing)}, recorded {each.allocation}"
                )


def _sight(recorded: records.Synchronisation, distance_m: float, data_bits: float) -> do.Sight:
    """What a device reported; older runs have no `twin_db`, and their cells did not ask for it."""
    if recorded.twin_db is None:
        return do.Sight(distance_m, data_bits)
    return do.Sight(distance_m, data_bits, recorded.kind, recorded.twin_db)


def _code_again(store: TwinStore, thing: str, first_slot: int, source: Source, result: Replay) -> None:
    """Each stream from its sample and the recorded references; one that differs does not make the next differ."""
    encoder, decoder = KINDS[source.sensor.kind].device_end(), EdgeEnd()
    for kept in store.history(thing):
        if kept.slot < first_slot:
            continue
        feature = stored_feature(kept.document)
        recorded, reference = feature.coded, None if feature.reference == ALONE else feature.reference
        if reference is not None and reference not in encoder.twin.revisions:
            result.unknown += 1
            continue
        stream = encoder.encode(source.at(kept.slot), len(recorded), kept.revision, reference)
        result.streams += 1
        if stream == recorded:
            result.same_streams += 1
            decoder.keep(encoder.twin.at(kept.revision))
            continue
        result.differences.append(f"slot {kept.slot}, {thing}: the stream of revision {kept.revision} differs")
        try:
            decoder.decode(recorded, kept.revision, reference)
        except StreamError as error:
            result.differences[-1] += f", and the recorded one does not decode: {error}"
        else:
            encoder.twin.keep(decoder.at(kept.revision))


def lines(result: Replay) -> Iterator[str]:
    """Lines that report a replay, the totals first."""
    yield (
        f"{result.same_allocations} of {result.allocations} allocations and {result.same_streams} of {result.streams} "
        "streams are the same"
    )
    if result.unknown:
        yield f"{result.unknown} streams build on revisions that are no longer stored"
    yield from result.differences
