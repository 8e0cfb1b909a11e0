"""`twinsync evaluate`: allocators and trained policies compared on the same slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync.cli import completion
from twinsync.cli.options import (
    MOST_SLOTS,
    JsonOption,
    ScenarioOption,
    SeedOption,
    SetOption,
    WideOption,
    check_json_target,
    progress,
    say,
    show,
    whole_number,
    write_json,
)
from twinsync.errors import InputError

if TYPE_CHECKING:
    from twinsync.allocators.protocol import Allocator
    from twinsync.scenario import Scenario


def evaluate(
    scenario: ScenarioOption = "paper",
    overrides: SetOption = None,
    allocators: Annotated[
        str | None,
        typer.Option(
            "--allocators",
            metavar="A,B,...",
            help="Built-in names, those of installed packages, folders of training runs, exported policies (.npz, "
            ".onnx), your own module:function or file.py:function; all built-in ones unless given. The first is "
            "compared with each of the others.",
            autocompletion=completion.allocators,
        ),
    ] = None,
    slots: Annotated[
        int, typer.Option("--slots", metavar="N", parser=whole_number(1, MOST_SLOTS), help="Slots in each set.")
    ] = 500,
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="M", parser=whole_number(1, 1000), help="Independent sets of slots.")
    ] = 5,
    seed: SeedOption = 0,
    json_target: JsonOption = None,
    wide: WideOption = False,
) -> None:
    """Compare allocators on the same slots: latency, cost, limits, energy, age, and the gap to the exact optimum."""
    check_json_target(json_target)
    with progress() as report:
        report("loading", 0, 1)
        from twinsync.experiments.evaluate import evaluate as run
        from twinsync.experiments.summary import summarise
        from twinsync.presets import load_scenario

        setting = load_scenario(scenario, overrides or ())
        found = find(allocators, setting)
        evaluation = run(setting, found, slots=slots, seeds=seeds, seed=seed, progress=report)
        summary = summarise(evaluation)
        outside = _outside(allocators, found, setting, slots, seed)
        summary["notes"] += outside
    if json_target is not None:
        for line in outside:
            say(f"note: {line}")
        write_json(json_target, summary)
        return
    from twinsync.cli.tables import evaluation_tables

    show(evaluation_tables(summary), wide=wide)


def _outside(
    names: str | None, found: Mapping[str, Sequence[Allocator]], scenario: Scenario, slots: int, seed: int
) -> list[str]:
    """One sentence for each trained policy that is judged elsewhere than where it was trained."""
    from twinsync.experiments.evaluate import draw_slot_set
    from twinsync.experiments.outside import card_of, outside_training

    given = [] if names is None else [name.strip() for name in names.split(",")]
    notes = []
    for name, (shown, policies) in zip(given, found.items(), strict=False):
        card = card_of(name, policies)
        told = "" if card is None else outside_training(card, scenario, draw_slot_set(scenario, seed, 0, slots)[0])
        if told:
            notes.append(f"{shown}: {told}")
    return notes


def find(names: str | None, scenario: Scenario) -> dict[str, list[Allocator]]:
    """The allocators of a comma-separated list, under the name each is shown by: as given, a run by its folder's."""
    from twinsync.allocators.expected import check_expected
    from twinsync.allocators.registry import allocator_names, find_allocators, known_names

    if names is None:
        given = sorted(set(allocator_names()) - {"expected"}, key=lambda name: (name != "optimum", name))
        with suppress(InputError):
            check_expected(scenario)
            given.append("expected")
    else:
        given = [name.strip() for name in names.split(",")]
    found: dict[str, list[Allocator]] = {}
    named = known_names()
    for name in given:
        if not name:
            raise InputError(f"--allocators {names!r}: an empty name; separate names by single commas")
        folder = name not in named and (Path(name).is_dir() or Path(name).suffix in (".npz", ".onnx"))
        shown = Path(name).resolve().name if folder else name
        if shown in found:
            raise InputError(f"--allocators: two would be called {shown!r}; name each once, or rename a folder")
        found[shown] = find_allocators(name, scenario)
    return found
