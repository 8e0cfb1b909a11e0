"""From stored results to records: what is computed is there, what is not is left out or said."""

from __future__ import annotations

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from twinsync.experiments.collect import Stored, collect
from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.store import CellResult, Store
from twinsync.experiments.compute.work import compute
from twinsync.experiments.evaluate import RawScheme
from twinsync.experiments.metrics import ENERGY_PARTS, LATENCY_PARTS
from twinsync.experiments.plan import Plan, reproduction_plan
from twinsync.experiments.records import Measured
from twinsync.experiments.run_folders import UNITS, write_run_folders
from twinsync.experiments.schemes import Budget
from twinsync.experiments.variants import PPO, TOWARDS, settings_variants
from twinsync.learning.training import CurveRow
from twinsync.manifest import provenance

TINY = Budget("tiny", 64, 8, 2, 10, 3, 2, thin=True)
FIELDS = Measured.__struct_fields__
MEANS = (
    *("latency_s", "cost", *FIELDS[FIELDS.index("penalty") : FIELDS.index("sent_bits") + 1]),
    *(f"{part}_latency_s" for part in LATENCY_PARTS), *(f"{part}_energy_j" for part in ENERGY_PARTS),
)  # fmt: skip


def made_up(cell: Cell, cost: float, **changes) -> CellResult:
    """A result in which every number is the cost."""
    raw = RawScheme(np.full((1, 3, 10), cost), np.full((1, 3, 10), cost), {key: np.full((1, 3), cost) for key in MEANS})
    provenance = {"git_revision": f"of-{cell.scheme}"}
    return dataclasses.replace(CellResult(cell.identity, raw, "", provenance=provenance), **changes)


@pytest.fixture
def swept(tmp_path: Path) -> tuple[Plan, Store]:
    """The speed sweep with the gradient and the heuristic at its first place; a training seed diverged."""
    plan = reproduction_plan(TINY, ("speed",), "paper", ("device_count=2",), 0)
    (sweep,) = plan.sweeps
    plan = dataclasses.replace(plan, sweeps=(dataclasses.replace(sweep, schemes=("gradient", "equal-share")),))
    first, second, heuristic = plan.cells()[:3]
    store = Store(tmp_path)
    sign = {"seed": 1, "slots": 50, "reason": "too large"}
    store.write(first, made_up(first, 3.0, training_s=2.0))
    store.write(second, made_up(second, 5.0, training_s=4.0, diverged=(sign,)))
    store.write(heuristic, made_up(heuristic, 8.0, evaluation_s=1.0))
    return plan, store


def test_a_point_has_means_seeds_and_remarks_of_what_is_stored(swept):
    plan, store = swept
    results = collect(plan, store, "twinsync reproduce --out run", provenance("", 0), partial=True)
    (sweep,) = results.sweeps
    first, *others = sweep.points
    gradient, heuristic = first.measured("gradient"), first.measured("equal-share")
    assert gradient is not None
    assert heuristic is not None
    assert (gradient.cost.mean, gradient.unit_cost, gradient.unit) == (4.0, (3.0, 5.0), "training seed")
    schemes = plan.swept
    assert schemes["gradient"].settings is not None
    assert (gradient.training_slots, gradient.training_seeds) == (schemes["gradient"].settings.slots, 2)
    assert math.isnan(heuristic.training_seeds)
    assert first.evaluation.pair("gradient", "equal-share").cost.mean == -4.0
    assert "gradient: training diverged in 1 of 2 seeds" in first.evaluation.notes
    assert sweep.commits == ("of-equal-share", "of-gradient")
    assert (sweep.training_s, sweep.command) == (7.0, "twinsync reproduce --out run --figures speed")
    assert [point.missing for point in others] == [
        {"gradient": "not computed yet", "equal-share": "not computed yet"}
    ] * len(others)
    assert (results.manifest.results.computed, results.manifest.results.planned) == (3, 9)


def test_without_partial_a_missing_result_is_an_error(swept):
    plan, store = swept
    with pytest.raises(RuntimeError, match="the result of gradient, seed 0 has disappeared"):
        collect(plan, store, "", provenance("", 0))


def test_a_lost_policy_is_left_out_and_its_reason_told(swept):
    plan, store = swept
    for cell in plan.cells()[:2]:
        store.write(cell, made_up(cell, 3.0, measured=None, trouble="its weights are lost"))
    point = collect(plan, store, "", provenance("", 0), partial=True).sweeps[0].points[0]
    assert point.measured("gradient") is None
    assert point.missing == {"gradient": "its weights are lost"}


def test_a_comparison_needs_the_optimum(tmp_path, complains):
    plan = reproduction_plan(TINY, ("3",), "paper", (), 0)
    with complains("no result of sac-tuned yet", "--resume"):
        Stored(plan, Store(tmp_path), partial=True).compared()


def test_units_have_the_figures_of_merit_of_every_result(tmp_path):
    plan = reproduction_plan(TINY, ("3",), "paper", (), 0)
    store = Store(tmp_path / "results")
    first = {cell.scheme: cell for cell in reversed(plan.compared_cells())}
    store.write(first["optimum"], made_up(first["optimum"], 1.0, relative_gap=np.zeros((3, 10))))
    newer = made_up(first["sac-tuned"], 2.0)
    assert newer.measured is not None
    newer.measured.means["energy_excess_j"] = np.full((1, 3), 0.5)  # results of before lack it
    store.write(first["sac-tuned"], newer)
    write_run_folders(tmp_path, Stored(plan, store, partial=True), provenance("mine", 0))
    with (tmp_path / UNITS).open(encoding="utf-8") as file:
        excess = {row["allocator"]: row["energy_excess_j"] for row in csv.DictReader(file)}
    assert excess == {"optimum": "", "sac-tuned": "0.5"}


def test_studies_have_what_is_computed(tmp_path):
    tiny = Budget("tiny", 64, 8, 2, 10, 2, 2, printed=True, sweep_seeds=1)
    small = {"rollout_slots": 32, "batch_size": 16, "passes": 1}
    variants = [
        dataclasses.replace(variant, scheme=dataclasses.replace(
            variant.scheme, settings=dataclasses.replace(variant.scheme.settings, **small)
        ))
        for variant in settings_variants(tiny)
        if variant.role == PPO and variant.change in ("", "reward_scale") and variant.direction == TOWARDS
    ]  # fmt: skip
    whole = reproduction_plan(tiny, (), "paper", ("device_count=2",), 0)
    whole = dataclasses.replace(whole, studies={"settings": variants})
    cells, store = whole.cells(), Store(tmp_path / "results")
    origin = provenance("mine", 0)
    store.write(cells[0], compute(cells[:1])[0])
    (only,) = collect(whole, store, "mine", origin, partial=True).studies["settings"].rows
    assert (only.scheme, only.training_slots, only.change) == ("ppo-paper", 64, "")
    for cell, result in zip(cells[1:], [compute([cell])[0] for cell in cells[1:]], strict=True):
        store.write(cell, result)
    study = collect(whole, store, "mine", origin).studies["settings"]
    rows = study.rows
    assert study.command == "mine"
    assert [row.label.partition("; ")[2] for row in rows] == ["", "reward_scale = none"]
    # PPO has the comparison's seeds, with a change too.
    assert [row.trained for row in (only, *rows)] == [1, 2, 2]
    assert rows[0].curve.cost[:1] == only.curve.cost
    assert None not in (rows[0].measured, rows[1].measured)
    assert rows[1].measured.cost.mean != rows[0].measured.cost.mean
    assert len(rows[1].curve.slots) == len(rows[1].curve.cost[0]) == 3


def test_seeds_that_are_lost_are_counted(swept):
    plan, store = swept
    lost = plan.cells()[0]
    row = CurveRow(0, 100, *([1.0] * (len(CurveRow._fields) - 2)))
    store.write(lost, made_up(lost, 3.0, measured=None, trouble="its weights are lost", curve=(row,)))
    point = collect(plan, store, "", provenance("", 0), partial=True).sweeps[0].points[0]
    told = "gradient: training diverged in 2 of 2 seeds, 1 of them left out: its weights are lost"
    assert told in point.evaluation.notes
