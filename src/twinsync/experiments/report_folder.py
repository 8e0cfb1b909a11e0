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
    mapping,
    read_constants,
    read_json_file,
    read_manifest,
    read_run_folder,
    read_schemes,
    scheme_of,
)
from twinsync.experiments.schemes import TABLE_III
from twinsync.experiments.sweep_folder import SWEEPS, Sweep, read_sweeps

STUDIES = "studies.json"
SAC_AS_PRINTED = "sac-paper"


@dataclass(frozen=True)
class ReportFolder:
    """A folder's raw files. `run` is None where sweeps alone were asked for; `schemes` holds all that any part names.

    `scenario` and `learning` are lists of constants, empty where the folder does not tell them. `studies` is the
    content of studies.json, empty where there is none.
    """

    path: Path
    manifest: dict[str, Any]
    schemes: dict[str, Scheme]
    run: RunFolder | None
    sweeps: tuple[Sweep, ...]
    scenario: list[dict[str, Any]]
    learning: list[dict[str, Any]]
    studies: dict[str, Any]

    @property
    def has_printed(self) -> bool:
        """Whether SAC as printed was trained here, at whatever size."""
        evaluated = [point.measured for sweep in self.sweeps for point in sweep.points]
        evaluated += [] if self.run is None else [self.run.rows]
        return any(SAC_AS_PRINTED in rows for rows in evaluated)

    @property
    def has_printed_size(self) -> bool:
        """Whether SAC as printed was trained here with Table III's slots and widths."""
        scheme = self.schemes.get(SAC_AS_PRINTED)
        told = {} if scheme is None else scheme.settings
        return self.has_printed and (told.get("slots"), told.get("hidden")) == (TABLE_III.slots, list(TABLE_III.hidden))

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
        studies=mapping(read_json_file(folder / STUDIES), STUDIES) if (folder / STUDIES).exists() else {},
    )
