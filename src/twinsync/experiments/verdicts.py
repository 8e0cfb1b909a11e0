"""The paper's claims, checked on a folder's raw files, and how far they hinge on constants that were assumed."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from twinsync.experiments.claims.claims import Claim, check_claims
from twinsync.experiments.claims.sensitivity import sensitivity
from twinsync.experiments.folder import read_json, write_json
from twinsync.experiments.report_folder import read_report_folder
from twinsync.experiments.sweeps.schedule import Progress

SENSITIVITY, CLAIMS = "sensitivity.json", "claims.csv"
SLOTS = 200  # at each point of the sensitivity analysis


def verdicts(out: Path, scenario: str, overrides: Sequence[str], seed: int, progress: Progress) -> list[Claim]:
    """Check the claims on what lies in `out`, and write them to claims.csv; none where no figure of the paper is there.

    The sensitivity analysis is kept in sensitivity.json and made once for a scenario and seed.
    """
    found = read_report_folder(out)
    figures = {sweep.name: sweep.raw for sweep in found.sweeps if sweep.figure}
    if found.run is None and not figures:
        return []
    claims = check_claims(found.run, figures, _analysis(out / SENSITIVITY, scenario, overrides, seed, progress))
    with (out / CLAIMS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in dataclasses.fields(Claim)])
        writer.writerows(dataclasses.astuple(claim) for claim in claims)
    return claims


def _analysis(path: Path, scenario: str, overrides: Sequence[str], seed: int, progress: Progress) -> dict[str, Any]:
    about = {"scenario": scenario, "overrides": list(overrides), "seed": seed}
    with suppress(FileNotFoundError, ValueError):  # none yet, or a damaged one
        kept = read_json(path)
        if all(kept.get(key) == value for key, value in about.items()):
            return kept
    write_json(path, sensitivity(scenario, overrides, slots=SLOTS, seed=seed, progress=progress))
    return read_json(path)
