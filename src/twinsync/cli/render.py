"""`twinsync render`: a cycle as a moving picture, one allocator or two on the same slots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinsync.cli.evaluate import find
from twinsync.cli.options import ScenarioOption, SeedOption, SetOption, check_new_file, progress
from twinsync.errors import InputError

MOST = 2


def render(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The moving picture: .gif, .html, or .mp4 (with PyAV).")
    ],
    allocator: Annotated[
        str,
        typer.Option(
            "--allocator",
            metavar="A[,B]",
            help="Who decides, as `evaluate` takes it; two are shown one above the other.",
        ),
    ] = "equal-share,optimum",
    scenario: ScenarioOption = "paper",
    overrides: SetOption = None,
    seed: SeedOption = 0,
) -> None:
    """Show a cycle: where the devices are, what is decided in each slot, its latency, and how old each twin is."""
    with progress() as report:
        report("loading", 0, 1)
        from twinsync.experiments.animation import check_suffix, cycle_pictures, write_animation
        from twinsync.presets import load_scenario

        check_suffix(out)
        check_new_file(out)
        setting = load_scenario(scenario, overrides or ())
        chosen = {name: policies[0] for name, policies in find(allocator, setting).items()}
        if len(chosen) > MOST:
            raise InputError(f"--allocator {allocator}: {len(chosen)} allocators; at most {MOST} fit into a picture")
        pictures = cycle_pictures(setting, chosen, seed, lambda done, total: report("drawing", done, total))
        write_animation(out, pictures)
    print(out)
