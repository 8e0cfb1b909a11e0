"""The recorded run of the schemes as printed: made once at the printed size, shipped for reports that cannot afford it.

It is the folder of `twinsync reproduce --budget printed` without figures and results: raw files alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from twinsync.experiments.report_folder import SAC_AS_PRINTED, ReportFolder, read_report_folder
from twinsync.experiments.run_folder import MANIFEST, RunFolder
from twinsync.experiments.sweep_folder import Sweep

FOLDER = Path(str(resources.files("twinsync.experiments") / "recorded"))


def recorded_for(manifest: Mapping[str, Any]) -> ReportFolder | None:
    """The recorded run, if it is one of the scenario and root seed that a report's manifest names; else None."""
    if not (FOLDER / MANIFEST).exists():
        return None
    record = read_report_folder(FOLDER)
    same = all(record.manifest[key] == manifest[key] for key in ("scenario", "seed"))
    return record if same and record.has_printed_size else None


def as_printed(own: ReportFolder) -> ReportFolder | None:
    """Where a report takes the schemes as printed from: `own` at the printed size, else the record, else `own` at
    whatever size; None where neither has them."""
    if own.has_printed_size:
        return own
    return recorded_for(own.manifest) or (own if own.has_printed else None)


def printed_curves(run: RunFolder) -> RunFolder:
    """A run with the learning curves of the schemes as printed alone, SAC's the one in front."""
    kept = {name: curve for name, curve in run.curves.items() if curve.scheme.group == "paper"}
    return replace(run, curves=kept, learner=SAC_AS_PRINTED)


def repaired_curves(run: RunFolder) -> RunFolder:
    """A run without the learning curves of the schemes as printed."""
    return replace(run, curves={name: curve for name, curve in run.curves.items() if curve.scheme.group != "paper"})


def recorded_sweeps(record: ReportFolder) -> list[Sweep]:
    """Figs. 4 to 7 of a record, under names of their own."""
    return [
        replace(swept, name=f"printed-{swept.name}", title=f"{swept.title}, as printed")
        for swept in record.sweeps
        if swept.figure
    ]
