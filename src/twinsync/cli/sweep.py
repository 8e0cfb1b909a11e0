"""`twinsync reproduce`, `sweep` and `report`: many results on many workers, interrupted and resumed at will."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync import interrupts
from twinsync.cli import completion
from twinsync.cli.options import (
    BudgetSeedsOption,
    OutOption,
    ResumeOption,
    ScenarioOption,
    SeedOption,
    SetOption,
    command_line,
    interruptible,
    progress,
    say,
    whole_number,
)
from twinsync.errors import InputError

if TYPE_CHECKING:
    from twinsync.experiments.compute.executors import Executor
    from twinsync.experiments.plan import Plan

BudgetOption = Annotated[
    str,
    typer.Option(
        "--budget",
        metavar="quick|laptop|printed|full",
        help="How much of Table III. On two cores all figures take some ten minutes at quick, about half an hour at "
        "laptop, many hours at printed and full; --estimate times it on this machine.",
        autocompletion=completion.budgets,
    ),
]
ExecutorOption = Annotated[
    str,
    typer.Option(
        "--executor",
        metavar="local|ray",
        help="Where workers run: this machine's cores (or its GPU, where JAX finds one), or a Ray cluster.",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address", metavar="HOST:PORT", help="The Ray cluster to join; without it one is started on this machine."
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="W", parser=whole_number(1, 10_000), help="Workers; by default one per core (or per GPU)."
    ),
]
EstimateOption = Annotated[
    bool, typer.Option("--estimate", help="Time a sample of each learner here, print how long all would take, stop.")
]


def reproduce(
    out: OutOption,
    budget: BudgetOption = "quick",
    figures: Annotated[
        str | None,
        typer.Option(
            "--figures",
            metavar="A,B,...",
            help="Figures of the paper, 3 to 7; sweeps it does not have (beyond, or one of them by name); settings, "
            "what each is worth; peers, the same in Stable-Baselines3. By default all but the last two, with printed "
            "all but beyond.",
        ),
    ] = None,
    seeds: BudgetSeedsOption = None,
    retrain_printed: Annotated[
        bool,
        typer.Option(
            "--retrain-printed",
            help="Train the schemes as printed at this budget's size too, labelled with it, beside the recorded ones.",
        ),
    ] = False,
    scenario: ScenarioOption = "paper",
    overrides: SetOption = None,
    seed: SeedOption = 0,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    estimate: EstimateOption = False,
    resume: ResumeOption = False,
) -> None:
    """Train the paper's schemes at every point of its figures, compare all with the optima, and write the report."""
    with progress() as report:
        report("loading", 0, 1)
        from twinsync.experiments.plan import default_figures, find_figures, reproduction_plan
        from twinsync.experiments.schemes import find_budget

        size = find_budget(budget).with_seeds(seeds)
        size = dataclasses.replace(size, printed=size.printed or retrain_printed)
        parts = find_figures(default_figures(size) if figures is None else figures)
        chosen = reproduction_plan(size, parts, scenario, tuple(overrides or ()), seed)
        page = _execute(chosen, out, executor, address, workers, estimate=estimate, resume=resume, report=report)
    if page is not None:
        print(page)


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep as TOML: axes, schemes, fixed constants.")],
    out: OutOption,
    budget: BudgetOption = "quick",
    seeds: BudgetSeedsOption = None,
    seed: SeedOption = 0,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    estimate: EstimateOption = False,
    resume: ResumeOption = False,
) -> None:
    """Compare schemes of your own choice along axes of your own, and write a report like that of `reproduce`."""
    with progress() as report:
        report("loading", 0, 1)
        from twinsync.experiments.plan import sweep_plan
        from twinsync.experiments.schemes import find_budget

        chosen = sweep_plan(file, find_budget(budget).with_seeds(seeds), seed)
        page = _execute(chosen, out, executor, address, workers, estimate=estimate, resume=resume, report=report)
    if page is not None:
        print(page)


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that reproduce or sweep wrote.")],
) -> None:
    """Write the report of a finished or interrupted run again from what is there, without computing."""
    with progress() as told:
        told("report", 0, 1)
        from twinsync.experiments.reproduce import report as written

        with interruptible("the report may be half new: run the same command again"):
            page = written(folder)
    print(page)


def _execute(
    chosen: Plan, out: Path, executor: str, address: str | None, workers: int | None, *,
    estimate: bool, resume: bool, report,
) -> Path | None:  # fmt: skip
    from twinsync.experiments.reproduce import reproduce as run

    if out.exists() and not resume and not estimate:
        raise InputError(f"{out}: already exists; add --resume to continue it, or choose another --out")
    with interruptible(f"continue with: {command_line()} --resume"), _executor(executor, address, workers) as hands:
        if estimate or (chosen.budget.name in ("printed", "full") and not resume):
            from twinsync.experiments.compute.estimate import estimate as estimated

            for line in estimated(chosen.cells(), hands, report):
                say(line)
            if estimate:
                return None
        return run(chosen, out, hands, command=command_line(), resume=resume, progress=report, say=say)


@contextmanager
def _executor(name: str, address: str | None, workers: int | None) -> Iterator[Executor]:
    """The executor asked for, closed whatever happens."""
    if name not in ("local", "ray"):
        raise InputError(f"--executor {name}: unknown; give local or ray")
    if address is not None and name != "ray":
        raise InputError("--address: only --executor ray has one")
    if name == "ray":
        from twinsync.experiments.compute.ray_cluster import RayCluster

        found: Executor = RayCluster(address, workers)
    else:
        from twinsync.experiments.compute.executors import local_executor

        found = local_executor(workers)
    try:
        with interrupts.ending(found.close):
            yield found
    finally:
        found.close()
