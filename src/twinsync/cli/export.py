"""`twinsync export`: one policy of a training run as one file that runs without JAX."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from twinsync.cli.options import say, whole_number


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Folder of a finished training run.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE.npz|FILE.onnx", help="New file: npz for twinsync.runtime (NumPy), or ONNX."
        ),
    ],
    seed_index: Annotated[
        int | None,
        typer.Option(
            "--seed-index",
            metavar="I",
            parser=whole_number(0, 10**6),
            help="Which training seed, from 0; by default the best.",
        ),
    ] = None,
    evaluation: Annotated[
        Path | None,
        typer.Option(
            "--evaluation",
            metavar="FILE",
            help="Scores for the card, and to choose by: from `twinsync evaluate --json`.",
        ),
    ] = None,
) -> None:
    """Write one seed's policy, with a card that says what it is, as one file that needs no JAX to decide."""
    from twinsync.export import export_run

    command = shlex.join(["twinsync", *sys.argv[1:]])
    exported = export_run(run, out, seed_index=seed_index, evaluation=evaluation, command=command)
    say(exported.choice)
    say(f"wrote {out}")
