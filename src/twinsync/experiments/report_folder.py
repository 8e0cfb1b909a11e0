"""Everything a report can be made of: the base comparison, sweeps, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinsync.experiments.run_folder import (
    LEARNING,
    SCENARIO,
    RunFolder,
    Scheme,
    read_constants,
    read_manifest,
    read_run_folder,
    read_schemes,
    scheme_of,
)
from twinsync.experiments.sweep_folder import SWEEPS, Sweep, read_sweeps


@dataclass(frozen=True)
class ReportFolder:
    """A folder's raw files. `run` is None where sweeps alone were asked for; `schemes` holds all that any part names.

    `scenario` and `learning` are lists of constants, empty where the folder does not tell them.
    """

    path: Path
    manifest: dict[str, Any]
    schemes: dict[str, Scheme]
    run: RunFolder | None
    sweeps: tuple[Sweep, ...]
    scenario: list[dict[str, Any]]
    learning: list[dict[str, Any]]

    def sweep(self, name: str) -> Sweep | None:
        """The sweep called `name`, if it was made."""
        return next((sweep for sweep in self.sweeps if sweep.name == name), None)


def read_report_folder(folder: Path) -> ReportFolder:
    """Read a folder's raw files; beside sweeps, those of the comparison only where the manifest has a headline.

    Raises `InputError` naming the file, and in it the key or line, that is missing or unreadable.
    """
    manifest = read_manifest(folder)
    schemes = read_schemes(manifest)
    sweeps = read_sweeps(folder, schemes)
    # Where sweeps alone were asked for there is nothing to head a comparison; files of an earlier one may lie about.
    alone = (folder / SWEEPS).exists() and manifest.get("headline") is None
    run = None if alone else read_run_folder(folder)
    if run is not None:
        schemes |= {name: scheme_of(schemes, name) for name in (*run.rows, *run.curves)}
    schemes |= {scheme.name: scheme for sweep in sweeps for scheme in sweep.schemes}
    return ReportFolder(
        path=folder,
        manifest=manifest,
        schemes=schemes,
        run=run,
        sweeps=sweeps,
        scenario=read_constants(folder / SCENARIO) if (folder / SCENARIO).exists() else [],
        learning=read_constants(folder / LEARNING) if (folder / LEARNING).exists() else [],
    )
