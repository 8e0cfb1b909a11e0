"""`twinsync study sac`: which of SAC's settings break it on this problem, and which repair it."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from twinsync.cli.options import (
    BudgetSeedsOption,
    LearningOption,
    OutOption,
    ResumeOption,
    ScenarioOption,
    SeedOption,
    SetOption,
    command_line,
    interruptible,
    learning_pairs,
    progress,
    whole_number,
)
from twinsync.errors import InputError

study_app = typer.Typer(name="study", help="Studies of the learners' settings.")


@study_app.callback()
def top() -> None:
    """Without a callback typer would make the only command, `sac`, the whole application."""


@study_app.command("sac")
def sac(
    out: OutOption,
    budget: Annotated[
        str, typer.Option("--budget", metavar="quick|laptop|printed|full", help="How much of Table III.")
    ] = "quick",
    seeds: BudgetSeedsOption = None,
    slots: Annotated[
        int | None,
        typer.Option(
            "--slots", metavar="N", parser=whole_number(1, 10**8), help="Slots per run; by default the budget's."
        ),
    ] = None,
    runs: Annotated[
        str,
        typer.Option("--runs", metavar="A,B,...", help="Only these runs; * stands for anything, as in gamma-0.99-*."),
    ] = "*",
    peer: Annotated[
        str | None,
        typer.Option("--peer", metavar="sb3", help="Train Stable-Baselines3's SAC beside ours; takes far longer."),
    ] = None,
    scenario: ScenarioOption = "paper",
    overrides: SetOption = None,
    learning: LearningOption = None,
    seed: SeedOption = 0,
    resume: ResumeOption = False,
) -> None:
    """SAC by discount, cycle end and target, and its tuned settings put back one by one: study.md, figures, data.

    --learning changes the ablation's other settings, which are the paper's; the tuned ones stay as they are.
    """
    if peer not in (None, "sb3"):
        raise InputError(f"--peer {peer}: unknown; the only one is sb3")
    with progress() as report:
        report("loading", 0, 1)
        from twinsync.experiments.schemes import find_budget
        from twinsync.experiments.study.run import study

        size = find_budget(budget)
        size = dataclasses.replace(size, seeds=seeds or size.seeds, slots=slots or size.slots)
        with interruptible(f"continue with: {command_line()} --resume"):
            page = study(
                size, out, scenario=scenario, overrides=tuple(overrides or ()), learning=learning_pairs(learning),
                seed=seed, runs=runs, peer=peer is not None, command=command_line(), resume=resume, progress=report,
            )  # fmt: skip
    print(page)
