"""The paper's claims, checked on a folder's raw files, and how far they hinge on constants that were assumed."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from twinsync.experiments.claims import Claim, Outcome, Source, check_claims
from twinsync.experiments.claims.sensitivity import sensitivity
from twinsync.experiments.compute.schedule import Progress
from twinsync.experiments.recorded import as_printed
from twinsync.experiments.report_folder import ReportFolder, read_report_folder
from twinsync.storage import plain, read_json, write_json
from twinsync.writing import whole_file

SENSITIVITY, CLAIMS = "sensitivity.json", "claims.csv"
SLOTS = 200  # at each point of the sensitivity analysis


def verdicts(
    out: Path, scenario: str, overrides: Sequence[str], seed: int, progress: Progress | None = None
) -> list[Claim]:
    """Check the claims on what lies in `out`, and write them to claims.csv; none where no figure of the paper is there.

    The schemes as printed are those of `out` or of the record, see `recorded`. The sensitivity analysis is kept in
    sensitivity.json and made once for a scenario and seed; without `progress` it is not made.
    """
    own = read_report_folder(out)
    repaired, record = _source(own), as_printed(own)
    if repaired.run is None and not repaired.sweeps:
        return []
    analysis = _analysis(out / SENSITIVITY, scenario, overrides, seed, progress)
    claims = check_claims(Source() if record is None else _source(record), repaired, analysis)
    with whole_file(out / CLAIMS) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        parts = [field.name for field in dataclasses.fields(Outcome)]
        columns = [f"{level}_{part}" for level in ("printed", "repaired") for part in parts]
        writer.writerow(["figure", "key", "statement", *columns, "hinges"])
        for claim in claims:
            outcomes = (*dataclasses.astuple(claim.printed), *dataclasses.astuple(claim.repaired))
            writer.writerow([claim.figure, claim.key, claim.statement, *outcomes, claim.hinges])
    return claims


def _source(folder: ReportFolder) -> Source:
    return Source(folder.run, {sweep.name: sweep.raw for sweep in folder.sweeps if sweep.figure})


def _analysis(
    path: Path, scenario: str, overrides: Sequence[str], seed: int, progress: Progress | None
) -> dict[str, Any] | None:
    about = {"scenario": scenario, "overrides": list(overrides), "seed": seed}
    with suppress(FileNotFoundError, ValueError):  # none yet, or a damaged one
        kept = read_json(path)
        if all(kept.get(key) == value for key, value in about.items()):
            return kept
    if progress is None:
        return None
    write_json(path, plain(sensitivity(scenario, overrides, slots=SLOTS, seed=seed, progress=progress)))
    return read_json(path)
