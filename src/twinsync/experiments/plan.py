"""What an evaluation computes, as cells: the comparison at the preset, sweeps of one axis, and studies of variants."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from twinsync.allocators.checks import check_certifiable
from twinsync.allocators.registry import find_allocators
from twinsync.errors import InputError
from twinsync.experiments.compute.cell import Cell
from twinsync.experiments.compute.peers import check_peer
from twinsync.experiments.records import Place
from twinsync.experiments.schemes import Budget, SchemePlan, all_schemes, printed_schemes, repaired_schemes
from twinsync.experiments.sweep import SweepPlan, check_sweep, places, scenario_at, split, thinned
from twinsync.experiments.sweep_files import BEYOND, PAPER, read_sweep, shipped_sweep
from twinsync.experiments.variants import PEERS, PPO, SETTINGS, VARIANTS, Variant, peer_variants
from twinsync.presets import Preset, load_preset, load_scenario, preset_names
from twinsync.scenario import Scenario
from twinsync.suggest import did_you_mean

COMPARISON = "3"
FIGURES = (COMPARISON, *(name.removeprefix("fig") for name in PAPER), "beyond")
PRINTED_FIGURES = (*FIGURES[:-1], SETTINGS, PEERS)  # of the budget that trains the schemes as printed at full size


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to compute: the comparison at the preset (optional), sweeps of one axis with the schemes they name, and
    studies of variants at the preset.

    identity: what must match for a folder to be continued with this plan. recipe: the arguments that recreate the plan.
    """

    identity: Mapping[str, Any]
    recipe: Mapping[str, Any]
    preset: Preset
    scenario: str
    overrides: tuple[str, ...]
    figures: tuple[str, ...]
    budget: Budget
    seed: int
    compared: tuple[SchemePlan, ...]
    sweeps: tuple[SweepPlan, ...]
    swept: Mapping[str, SchemePlan]
    studies: Mapping[str, Sequence[Variant]] = dataclasses.field(default_factory=dict)

    def cells(self) -> list[Cell]:
        """All cells, starting with those of the comparison."""
        cells = self.compared_cells()
        cells += [cell for sweep in self.sweeps for place in places(sweep) for cell in self.cells_at(sweep, place)]
        return cells + [cell for name in self.studies for cell in self.study_cells(name)]

    def compared_cells(self) -> list[Cell]:
        """Cells of the comparison at the preset."""
        return self._cells(self.compared, self.preset.scenario, self.budget.seeds)

    def cells_at(self, sweep: SweepPlan, place: Place) -> list[Cell]:
        """Cells at one place of a sweep; a place that equals the preset shares the comparison's cells."""
        scenario = scenario_at(sweep, place)
        # Otherwise a scheme would have two values at the same point, from different numbers of seeds.
        seeds = self.budget.seeds if scenario == self.preset.scenario else self.budget.seeds_of_sweeps
        return self._cells([self.swept[name] for name in sweep.schemes], scenario, seeds)

    def study_cells(self, name: str) -> list[Cell]:
        """Cells of a study of variants, with as many training seeds as at the points of sweeps.

        A baseline has as many as in the comparison, whose cells it shares, and so has PPO, which trains in a minute.
        """
        budget = self.budget
        return [
            cell
            for variant in self.studies[name]
            for cell in self._cells(
                [variant.scheme],
                self.preset.scenario,
                budget.seeds_of_sweeps if variant.change and variant.role != PPO else budget.seeds,
            )
        ]

    def _cells(self, schemes: Sequence[SchemePlan], scenario: Scenario, seeds: int) -> list[Cell]:
        """A cell per training seed of each learner, and one for each scheme that is not trained."""
        budget = self.budget
        return [
            Cell(
                scheme.name, scenario, scheme.settings, scheme.allocator, self.seed, number,
                budget.evaluation_slots, budget.evaluation_seeds, budget.stretches, scheme.library,
            )
            for scheme in schemes
            for number in range(seeds if scheme.settings else 1)
        ]  # fmt: skip


def default_figures(budget: Budget) -> str:
    """The parts that a budget computes by default, as `find_figures` takes them."""
    return ",".join(PRINTED_FIGURES if budget.name == "printed" else FIGURES)


def find_figures(text: str) -> tuple[str, ...]:
    """The parts of an evaluation named in a comma-separated list, in order. Raises `InputError` for an unknown name."""
    wanted = [part.strip() for part in text.split(",")]
    known = (*FIGURES, *BEYOND, *VARIANTS)
    for part in wanted:
        if part not in known:
            raise InputError(f"--figures: unknown {part!r}{did_you_mean(part, known)}; give some of {', '.join(known)}")
    chosen = {name for part in wanted for name in (BEYOND if part == "beyond" else (part,))}
    return tuple(name for name in (COMPARISON, *FIGURES[1:-1], *BEYOND, *VARIANTS) if name in chosen)


def reproduction_plan(
    budget: Budget, figures: Sequence[str], scenario: str, overrides: Sequence[str], seed: int, *, computes: bool = True
) -> Plan:
    """The plan of a reproduction. Raises `InputError` if a sweep has an impossible value in this scenario, if the
    comparison is included and the scenario has no exact optimum, or if a study is and the budget trains nothing as
    printed.

    computes: whether its results are going to be computed; without, the peers' library is not needed.
    """
    if PEERS in figures and computes:
        _check_peers(budget)
    for part in VARIANTS:
        if part in figures and not budget.printed:
            raise InputError(
                f"--figures {part}: budget {budget.name} does not train the schemes as printed; give --budget printed, "
                "or --retrain-printed for a study at this budget's size"
            )
    preset = load_preset(scenario, overrides)
    if COMPARISON in figures:
        try:
            check_certifiable(preset.scenario)
        except InputError as error:
            raise InputError(f"--figures {COMPARISON}: {error}; leave that part out: --figures 4,5,6,7") from None
    swept = [figure for figure in figures if figure != COMPARISON and figure not in VARIANTS]
    return Plan(
        identity={"budget": budget.name, "scenario": scenario, "overrides": list(overrides), "seed": seed},
        recipe={
            "budget": dataclasses.asdict(budget),
            "figures": list(figures),
            "scenario": scenario if scenario in preset_names() else str(Path(scenario).resolve()),
            "overrides": list(overrides),
            "seed": seed,
        },
        preset=preset,
        scenario=scenario,
        overrides=tuple(overrides),
        figures=tuple(figures),
        budget=budget,
        seed=seed,
        compared=tuple(all_schemes(budget)) if COMPARISON in figures else (),
        sweeps=tuple(_shipped(figure, budget, scenario, overrides) for figure in swept),
        swept=sweep_schemes(budget),
        studies={name: variants(budget) for name, variants in VARIANTS.items() if name in figures},
    )


def _shipped(figure: str, budget: Budget, scenario: str, overrides: Sequence[str]) -> SweepPlan:
    """A sweep that ships with the package, restricted to the values and schemes of the budget."""
    shipped = shipped_sweep(f"fig{figure}" if figure.isdigit() else figure)
    left_out = {
        *(() if budget.printed else (scheme.name for scheme in printed_schemes(budget))),
        *(() if budget.repaired_sweeps else (scheme.name for scheme in repaired_schemes(budget))),
    }
    kept = tuple(name for name in shipped.schemes if name not in left_out)
    # The user's constants come first, since an axis or a figure's own constants must override them.
    sweep = dataclasses.replace(
        shipped, scenario=scenario, overrides=(*overrides, *shipped.overrides), schemes=kept
    )  # fmt: skip
    if figure == "extraction-floor":
        sweep = _at_knots(sweep)
    sweep = thinned(sweep) if budget.thin else sweep
    check_sweep(sweep)
    return sweep


def _at_knots(sweep: SweepPlan) -> SweepPlan:
    """The sweep of phi_min at each phi with a known accuracy; unchanged if the scenario has no law of accuracy."""
    knots = load_scenario(sweep.scenario, sweep.overrides).accuracy_knots
    values = tuple((f"{float(row[0]):g}",) for row in knots)
    return dataclasses.replace(sweep, axes=(replace(sweep.axes[0], values=values),)) if values else sweep


def _check_peers(budget: Budget) -> None:
    """Raise `InputError` before any work if the peers cannot be trained."""
    for variant in peer_variants(budget):
        if variant.scheme.library and variant.scheme.settings is not None:
            try:
                check_peer(variant.scheme.settings)
            except InputError as error:
                raise InputError(f"--figures {PEERS}: {error}, or leave that part out") from None


def sweep_plan(path: Path, budget: Budget, seed: int, *, computes: bool = True) -> Plan:
    """The plan of a user's sweep file. Raises `InputError` that names the file and what is wrong in it.

    computes: whether its allocators are going to be asked; without, none of their code is loaded.
    """
    offered = sweep_schemes(budget)
    sweep, schemes = read_sweep(path, offered)
    try:
        check_sweep(sweep)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    for scheme in schemes.values():
        if scheme.settings is None and computes:
            _check_allocator(scheme, load_scenario(sweep.scenario, sweep.overrides), offered)
    return Plan(
        # The sweep itself may change: results are found by what determines them.
        identity={"sweep": sweep.name, "seed": seed},
        recipe={"budget": dataclasses.asdict(budget), "file": str(path.resolve()), "seed": seed},
        preset=load_preset(sweep.scenario, sweep.overrides),
        scenario=sweep.scenario,
        overrides=sweep.overrides,
        figures=(),
        budget=budget,
        seed=seed,
        compared=(),
        sweeps=tuple(split(sweep)),
        swept=schemes,
    )


def _check_allocator(scheme: SchemePlan, scenario: Scenario, schemes: Collection[str]) -> None:
    """Raise `InputError` if it is no allocator, with a hint if one of the learned `schemes` was probably meant."""
    name = scheme.name
    try:
        several = len(find_allocators(scheme.allocator, scenario))
    except InputError as error:
        hint = did_you_mean(name, schemes)
        if not str(error).startswith("unknown allocator") or "did you mean" in str(error) or not hint:
            raise
        raise InputError(f"unknown scheme {name!r}{hint}; schemes that learn: {', '.join(schemes)}") from None
    if several > 1:
        raise InputError(
            f"{name}: holds {several} policies, a sweep takes one; `twinsync export {name} --out FILE.npz` writes one"
        )


def sweep_schemes(budget: Budget) -> dict[str, SchemePlan]:
    """The schemes that sweeps can name, including those as printed at the budget's size."""
    return {scheme.name: scheme for scheme in all_schemes(dataclasses.replace(budget, printed=True))}


def read_plan(path: Path) -> tuple[Plan, str]:
    """The plan that a folder was last computed with, and its command.

    Raises `InputError` if the file is damaged, or a file that it names is missing.
    """
    try:
        recipe = json.loads(path.read_text("utf-8"))
        budget = Budget(**recipe["budget"])
        if "file" in recipe:
            return sweep_plan(Path(recipe["file"]), budget, recipe["seed"], computes=False), recipe["command"]
        figures, overrides = recipe["figures"], recipe["overrides"]
        plan = reproduction_plan(budget, figures, recipe["scenario"], overrides, recipe["seed"], computes=False)
        return plan, recipe["command"]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}: {error}); run the command again") from None
