"""`twinsync train`: a run of one learner, which can be interrupted and resumed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync import interrupts
from twinsync.cli import completion
from twinsync.cli.options import (
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
    say,
    whole_number,
)

if TYPE_CHECKING:
    from twinsync.experiments.curve_log import CurveLog


def train(
    out: OutOption,
    algorithm: Annotated[
        str,
        typer.Option(
            "--algorithm",
            metavar="sac|ppo|gradient",
            help="What learns. The gradient takes well under a minute on two cores, the others minutes.",
            autocompletion=completion.algorithms,
        ),
    ] = "sac",
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="paper|tuned|csi|general",
            help="Settings: as printed, or those that fix what breaks; gradient also: csi, which sees the "
            "channel, and general, one policy for any K and a wide range of scenarios.",
            autocompletion=completion.presets,
        ),
    ] = "tuned",
    scenario: ScenarioOption = "paper",
    overrides: SetOption = None,
    learning: LearningOption = None,
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="M", parser=whole_number(1, 1000), help="Training seeds, side by side.")
    ] = 3,
    seed: SeedOption = 0,
    resume: ResumeOption = False,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Write the curves for TensorBoard too, into OUT/tensorboard (an extra)."),
    ] = False,
) -> None:
    """Train a policy for each of M seeds; the folder is then an allocator for `twinsync evaluate`."""
    with progress() as report:
        report("loading", 0, 1)
        from twinsync.learning.presets import find_settings
        from twinsync.learning.run import RunConfig
        from twinsync.learning.run import train as run
        from twinsync.learning.validation import override

        settings = override(find_settings(algorithm, preset), learning_pairs(learning))
        config = RunConfig(scenario, tuple(overrides or ()), settings, seeds, seed)
        log = _curve_log(out) if tensorboard else None

        def follow(what: str, done: int, total: int) -> None:
            report(what, done, total)
            if log is not None:
                log.update()

        with interruptible(f"continue with: {command_line()} --resume"):
            training = run(config, out, command=command_line(), resume=resume, progress=follow)
        if log is not None:
            log.close()
    interrupts.advise(f"{out} is complete")
    last = training.curve[-seeds:]
    costs = ", ".join(f"{row.cost:.2f}" for row in last)
    say(f"{out}: {last[0].slots:,} slots, cost per slot on fixed slots by seed: {costs}")
    changed = [part for item in overrides or () for part in ("--set", item)]
    compare = ["twinsync", "evaluate", "--scenario", scenario, *changed, "--allocators", f"{out},optimum"]
    say(f"compare it: {shlex.join(compare)}")


def _curve_log(out: Path) -> CurveLog:
    from twinsync.experiments.curve_log import CurveLog

    return CurveLog(out)
