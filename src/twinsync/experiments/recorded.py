"""The recorded run of the schemes as printed, made once at the printed size and shipped for reports of smaller runs.

It is the folder of `twinsync reproduce --budget printed` reduced to its raw files, without figures and results.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from twinsync.experiments.results import MANIFEST, SAC_AS_PRINTED, Results, read_results
from twinsync.experiments.schemes import TABLE_III

FOLDER = Path(str(resources.files("twinsync.experiments") / "recorded"))


def recorded_for(results: Results) -> Results | None:
    """The recorded run, if it has the scenario, with the same constants, and the root seed of `results`; otherwise
    None."""
    if not (FOLDER / MANIFEST).exists():
        return None
    record = read_results(FOLDER)
    own, recorded = results.manifest, record.manifest
    # A user's file may have the name of a preset.
    constants = {entry.key: entry.value for entry in results.scenario}
    same = (own.scenario, own.seed) == (recorded.scenario, recorded.seed) and all(
        constants.get(entry.key, entry.value) == entry.value for entry in record.scenario
    )
    return record if same and has_printed_size(record) else None


def as_printed(results: Results) -> Results | None:
    """The results from which a report takes the schemes as printed: `results` if they have the printed size, otherwise
    the record, otherwise `results` at any size; None if neither has them."""
    if has_printed_size(results):
        return results
    return recorded_for(results) or (results if results.has_printed else None)


def has_printed_size(results: Results) -> bool:
    """Whether SAC as printed was trained with Table III's number of slots and layer widths."""
    scheme = results.schemes.get(SAC_AS_PRINTED)
    if scheme is None or not results.has_printed:
        return False
    return (scheme.settings.get("slots"), scheme.settings.get("hidden")) == (TABLE_III.slots, list(TABLE_III.hidden))
