"""The workload law fitted to what a run metered, as `twinsync codec calibrate` fits it to a clip."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from twinsync.codec import calibration
from twinsync.codec.calibration import Cost, Law
from twinsync.codec.ends import KINDS
from twinsync.errors import InputError
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import Cell

MOST_KNOTS, LEAST_KNOTS, LEAST_EACH = 8, 3, 8
DISTINCT = 1.1  # between the factors of two knots


class Metered(msgspec.Struct, frozen=True):
    """One frame: phi, cycles per raw bit of extraction and recovery, and fidelity [dB]."""

    factor: float
    extraction: float
    recovery: float
    fidelity_db: float
    kind: str


class Refit(msgspec.Struct):
    """What was fitted to a run: cycles per raw bit at knots of phi, the laws, and fidelity at each knot [dB].

    measure: what the fidelity is, "PSNR" or "1/NMSE".
    """

    cost: Cost
    laws: list[Law]
    fidelity_db: list[float]
    measure: str


def refit(folder: Path, cell: Cell) -> Refit:
    """Fit the laws to the last start of a cell: frames coded against a twin. Raises `InputError` for too little."""
    metered = [
        Metered(
            *(each.applied_factor, each.extraction_cycles / each.data_bits, each.recovery_cycles / each.data_bits),
            *(each.fidelity_db or 0.0, each.kind),
        )
        for record in records.read(folder / names.SLOTS_FILE)
        if record.slot >= cell.first_slot
        for each in record.devices.values()
        if each.alone is False
        and each.applied_factor is not None
        and each.data_bits is not None
        and each.extraction_cycles is not None
        and each.recovery_cycles is not None
    ]
    kinds = sorted({each.kind for each in metered})
    if len(kinds) > 1:
        raise InputError(
            f"{folder}: devices of {' and '.join(kinds)}, whose work has no common law; run each kind alone"
        )
    groups = _groups(metered)
    if len(groups) < LEAST_KNOTS:
        factors = [each.factor for each in metered]
        span = f"phi from {min(factors):.4g} to {max(factors):.4g}" if factors else "none"
        raise InputError(
            f"{folder}: {len(metered)} metered frames, {span}: too few for a law; run more slots with an "
            "allocator that varies phi, e.g. --allocator random"
        )
    extraction = np.array([[each.extraction for each in group] for group in groups])
    recovery = np.array([[each.recovery for each in group] for group in groups])
    factors = tuple(float(np.exp(np.mean([np.log(each.factor) for each in group]))) for group in groups)
    cost = Cost(factors, extraction, recovery, cell.clock_hz)
    quality = [float(np.mean([each.fidelity_db for each in group])) for group in groups]
    return Refit(cost, calibration.fit_laws(cost), quality, KINDS[kinds[0]].measure)


def _groups(metered: Sequence[Metered]) -> list[list[Metered]]:
    """Groups of one size with rising phi, as many as there are distinct factors for."""
    ordered = sorted(metered, key=lambda each: each.factor)
    for count in range(MOST_KNOTS, LEAST_KNOTS - 1, -1):
        size = len(ordered) // count
        if size < LEAST_EACH:
            continue
        groups = [ordered[place * size : (place + 1) * size] for place in range(count)]
        middles = [group[size // 2].factor for group in groups]
        if all(high > DISTINCT * low for low, high in itertools.pairwise(middles)):
            return groups
    return []


def scenario_text(fitted: Refit, cell: Cell, folder: Path, phi_min: float) -> str:
    """A scenario file on `paper` with the fitted law, and phi_min as the run had it."""
    machine = f"{platform.machine()}, Python {platform.python_version()}, {cell.devices} devices of {folder.name}"
    text = calibration.scenario_text(
        fitted.cost, fitted.laws, phi_min, 0.0, machine, command="twinsync live report --refit"
    )
    # phi_min was not measured here: it is the run's.
    kept = [line for line in text.splitlines() if not line.startswith(("extraction_factor_min", "description"))]
    kept.insert(0, 'description = "The paper\'s setting with the work that a live run metered"')
    source = calibration.quoted(f"as in the run of scenario {cell.scenario}")
    kept.insert(3, f'extraction_factor_min = {{ value = {phi_min:.4g}, tag = "assumed", source = {source} }}')
    kept += ["", f"# {fitted.measure} of what the edge recovered, by phi:"]
    kept += [
        f"# phi = {factor:.4g}: {quality:.1f} dB"
        for factor, quality in zip(fitted.cost.factors, fitted.fidelity_db, strict=True)
    ]
    return "\n".join(kept) + "\n"
