"""The law behind a run's meterings is found again; too little to tell it is refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.conftest import Complaint

from twinsync.live.bus.zenoh import Access
from twinsync.live.protocol.messages import Allocation
from twinsync.live.running import records
from twinsync.live.running.cell import SLOTS_FILE, Cell
from twinsync.live.running.records import Parts, SlotRecord, Synchronisation
from twinsync.live.running.refit import refit, scenario_text
from twinsync.presets import load_scenario

CELL = Cell("paper", (), 2, 0, 10, None, "random", "none", None, "process", Access(""), 2.5e9)
BITS = 6e5


def metered(phi: float, slot: int, alone: bool = False) -> Synchronisation:
    """300 phi^-1.2 and 300 phi^(1-1.5) cycles per bit, the paper's law, within 5 %."""
    noise = float(np.exp(np.random.default_rng(slot).uniform(-0.05, 0.05)))
    return Synchronisation(
        "committed",
        Allocation(phi, 1e9, 0.1, 1e9),
        applied_factor=phi,
        measured=Parts(0.1, 0.1, 0.1, 0.1),
        fidelity_db=40.0,
        alone=alone,
        data_bits=BITS,
        extraction_cycles=300.0 * BITS * phi**-1.2 * noise,
        recovery_cycles=300.0 * BITS * phi**-0.5 * noise,
    )


def write(folder: Path, factors: np.ndarray) -> None:
    before = {"a:1": metered(0.5, 3), "a:2": metered(0.5, 4)}
    records.append(folder / SLOTS_FILE, SlotRecord(9, 1, None, before))
    for slot, phi in enumerate(factors, 10):
        devices = {"a:1": metered(float(phi), slot), "a:2": metered(0.9, slot, alone=True)}
        records.append(folder / SLOTS_FILE, SlotRecord(slot, 1, 0.01, devices))


def test_the_law_is_found_again_and_written_as_a_scenario(tmp_path: Path) -> None:
    write(tmp_path, np.random.default_rng(0).permutation(np.geomspace(0.3, 1.0, 160)))
    fitted = refit(tmp_path, CELL)
    power = next(law for law in fitted.laws if law.name == "power")
    assert power.parameters["cycles_per_bit"][0] == pytest.approx(300.0, rel=0.03)
    assert power.parameters["extraction_exponent"][0] == pytest.approx(1.2, abs=0.03)
    assert power.parameters["recovery_exponent"][0] == pytest.approx(1.5, abs=0.03)
    file = tmp_path / "refitted.toml"
    cell = msgspec.structs.replace(CELL, scenario='my "own".toml')
    file.write_text(scenario_text(fitted, cell, tmp_path, 0.3))
    scenario = load_scenario(str(file), [])
    assert float(scenario.extraction_factor_min) == 0.3
    assert scenario.workload_law in ("power", "piecewise")
    assert file.read_text().startswith('description = "The paper\'s setting with the work that a live run metered"')
    assert "twinsync live report --refit" in file.read_text()


@pytest.mark.parametrize(("factors", "told"), [(np.full(160, 0.5), "phi from 0.5 to 0.5"), (np.array([]), "none")])
def test_one_phi_tells_no_law(factors: np.ndarray, told: str, tmp_path: Path, complains: Complaint) -> None:
    write(tmp_path, factors)
    with complains("too few for a law", told, "--allocator random"):
        refit(tmp_path, CELL)
