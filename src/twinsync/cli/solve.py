"""`twinsync solve`: the exact optimum of each slot, with its certificate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinsync.cli.options import (
    MOST_SLOTS,
    JsonOption,
    ScenarioOption,
    SeedOption,
    SetOption,
    WideOption,
    check_json_target,
    progress,
    show,
    whole_number,
    write_json,
)
from twinsync.errors import InputError

if TYPE_CHECKING:
    from twinsync.model.slot import Slot
    from twinsync.scenario import Scenario

SLOTS = 10


def solve(
    scenario: ScenarioOption = "paper",
    overrides: SetOption = None,
    slots: Annotated[
        int | None,
        typer.Option(
            "--slots", metavar="N", parser=whole_number(1, MOST_SLOTS), help=f"Slots to draw; {SLOTS} unless given."
        ),
    ] = None,
    seed: SeedOption = 0,
    input_file: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="Your own slots (JSON or CSV) instead of drawn ones.")
    ] = None,
    uncapped: Annotated[
        bool, typer.Option("--uncapped", help="Count latency and energy beyond the latency cap too, and in the bound.")
    ] = False,
    json_target: JsonOption = None,
    wide: WideOption = False,
) -> None:
    """Solve slots exactly: the allocation of least latency plus penalty for known channels, with a certified bound.

    Both count latency up to the scenario's cap, as every table does; --uncapped counts all of it.

    The slots drawn for a seed are the first ones that `evaluate` uses with that seed.
    """
    check_json_target(json_target)
    if input_file is not None and slots is not None:
        raise InputError("--slots and --input exclude each other; with --input every slot of the file is solved")
    with progress() as report:
        report("loading", 0, 2)
        setting, slot = _slots(scenario, overrides or (), slots or SLOTS, seed, input_file)
        report("solving", 1, 2)
        payload = _solve(setting, slot, capped=not uncapped)
    if json_target is not None:
        write_json(json_target, payload)
        return
    from twinsync.cli.tables import solution_table

    show(solution_table(payload["slots"], setting.device_count), wide=wide)


def _slots(
    spec: str, overrides: Sequence[str], count: int, seed: int, input_file: Path | None
) -> tuple[Scenario, Slot]:
    """The scenario and its slots; a file's number of devices holds unless the user set another."""
    from twinsync.presets import load_preset

    preset = load_preset(spec, overrides)
    if input_file is None:
        from twinsync.experiments.evaluate import draw_slot_set

        return preset.scenario, draw_slot_set(preset.scenario, seed, 0, count)[0]
    from twinsync.cli.slots_file import read_slots_file

    given = read_slots_file(input_file)
    devices = preset.scenario.device_count
    if devices != given.device_count:
        if preset.provenance["device_count"].tag == "user":
            raise InputError(
                f"{input_file}: slot 0: data_bits has {given.device_count} numbers, but device_count is set to "
                f"{devices}; give one per device, or leave device_count unset"
            )
        preset = load_preset(spec, [*overrides, f"device_count={given.device_count}"])
    return preset.scenario, given.slot(preset.scenario)


def _solve(scenario: Scenario, slot: Slot, *, capped: bool) -> dict[str, Any]:
    import numpy as np

    from twinsync.allocators.optimum import solve as solve_slots
    from twinsync.allocators.protocol import DECISIONS
    from twinsync.experiments.constants import scenario_values
    from twinsync.experiments.evaluate import CERTIFIED_GAP
    from twinsync.storage import jsonable

    solution = solve_slots(scenario, slot, capped=capped)
    uncertain = np.flatnonzero(~(solution.relative_gap <= CERTIFIED_GAP))
    if len(uncertain):
        gains = slot.block_gain[uncertain[0]]
        raise InputError(
            f"slot {uncertain[0]} cannot be solved in double precision: channel_gain from {gains.min():g} to "
            f"{gains.max():g}; give gains that a receiver can tell from 0"
        )
    rows = [
        {
            "data_bits": slot.data_bits[index],
            "distance_m": slot.distance_m[index],
            "channel_gain": slot.block_gain[index, :, 0],  # one block, or the solver had refused
            "allocation": {part: getattr(solution.allocation, part)[index] for part in DECISIONS},
            "latency_s": solution.latency_s[index],
            "cost": solution.cost[index],
            "lower_bound": solution.lower_bound[index],
        }
        for index in range(len(solution.cost))
    ]
    return {"scenario": scenario_values(scenario), "slots": jsonable(rows)}
