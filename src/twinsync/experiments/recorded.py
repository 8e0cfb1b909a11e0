"""The recorded run of the schemes as printed, made once at the printed size and shipped for reports of smaller runs.

It is the folder of `twinsync reproduce --budget printed` reduced to its raw files, without figures and results.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from twinsync.experiments.records import Manifest
from twinsync.experiments.results import MANIFEST, SAC_AS_PRINTED, Results, read_results
from twinsync.experiments.schemes import TABLE_III

FOLDER = Path(str(resources.files("twinsync.experiments") / "recorded"))


def recorded_for(manifest: Manifest) -> Results | None:
    """The recorded run, if it has the scenario and root seed of a report's manifest; otherwise None."""
    if not (FOLDER / MANIFEST).exists():
        return None
    record = read_results(FOLDER)
    same = (record.manifest.scenario, record.manifest.seed) == (manifest.scenario, manifest.seed)
    return record if same and has_printed_size(record) else None


def as_printed(results: Results) -> Results | None:
    """The results from which a report takes the schemes as printed: `results` if they have the printed size, otherwise
    the record, otherwise `results` at any size; None if neither has them."""
    if has_printed_size(results):
        return results
    return recorded_for(results.manifest) or (results if results.has_printed else None)


def has_printed_size(results: Results) -> bool:
    """Whether SAC as printed was trained with Table III's number of slots and layer widths."""
    scheme = results.schemes.get(SAC_AS_PRINTED)
    if scheme is None or not results.has_printed:
        return False
    return (scheme.settings.get("slots"), scheme.settings.get("hidden")) == (TABLE_III.slots, list(TABLE_III.hidden))
