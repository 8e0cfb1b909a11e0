"""Results of variants at the preset: what each cost, and where its learning curve ended, in studies.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.experiments.collect import cells_of, commits_of, evaluation_of, read_results
from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.store import CellResult, Store
from twinsync.experiments.report_folder import STUDIES
from twinsync.experiments.schemes import Budget
from twinsync.experiments.statistics import Bootstrap
from twinsync.experiments.summary import describe_scheme
from twinsync.experiments.variants import Variant, change_label
from twinsync.scenario import Scenario
from twinsync.storage import jsonable, write_json


def study_cells(variants: Sequence[Variant], scenario: Scenario, budget: Budget, seed: int) -> list[Cell]:
    """All cells of a study: as many training seeds as at the points of sweeps."""
    return cells_of([variant.scheme for variant in variants], scenario, budget, seed, budget.sweep_seeds)


def write_studies(
    out: Path, studies: Mapping[str, Sequence[Variant]], scenario: Scenario, store: Store, budget: Budget, seed: int,
    *, partial: bool = False,
) -> None:  # fmt: skip
    """Write studies.json from the stored results; with `partial` without the variants that are not computed yet."""
    content = {
        name: _study(variants, scenario, store, budget, seed, partial=partial) for name, variants in studies.items()
    }
    write_json(out / STUDIES, jsonable(content))


def _study(
    variants: Sequence[Variant], scenario: Scenario, store: Store, budget: Budget, seed: int, *, partial: bool
) -> dict[str, Any]:
    results = read_results(store, study_cells(variants, scenario, budget, seed), partial=partial)
    evaluation = evaluation_of(results, scenario, budget, seed)
    bootstrap = Bootstrap(seed)
    rows = []
    for variant in variants:
        scheme = variant.scheme
        assert scheme.settings is not None
        if not results[scheme.name]:
            continue
        measured = evaluation.schemes.get(scheme.name)
        rows.append(
            {
                "scheme": scheme.name,
                "label": scheme.label,
                "role": variant.role,
                "direction": variant.direction,
                "change": variant.change,
                "change_label": change_label(variant.change),
                "library": scheme.library,
                "training_slots": scheme.settings.slots,
                "measured": None if measured is None else describe_scheme(measured, None, None, bootstrap),
                "trouble": results[scheme.name][0].trouble if measured is None else "",
                "curve": _curve(results[scheme.name]),
                "training_s": sum(result.training_s for result in results[scheme.name]),
            }
        )
    return {"rows": rows, "commits": commits_of(results)}


def _curve(results: Sequence[CellResult]) -> dict[str, Any]:
    """The learning curve of each seed: slots [P], and cost [S, P] on the slots that judge curves."""
    cost = np.array([[row.cost for row in result.curve] for result in results])
    return {"slots": [row.slots for row in results[0].curve], "cost": cost.tolist()}
