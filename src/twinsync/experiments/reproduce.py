"""The whole evaluation in one folder: compute every result that is missing, leave raw files, report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from twinsync.allocators.registry import find_allocators
from twinsync.errors import InputError
from twinsync.experiments.budgets import (
    Budget,
    Contender,
    contenders,
    learning_constants,
    printed_schemes,
    repaired_schemes,
)
from twinsync.experiments.comparison import write_comparison
from twinsync.experiments.describe import describe_constants
from twinsync.experiments.folder import open_folder, read_json, write_json
from twinsync.experiments.peers import check_peer
from twinsync.experiments.report import write_report
from twinsync.experiments.run_folder import LEARNING, MANIFEST, SCENARIO, read_manifest
from twinsync.experiments.sweep_folder import SWEEPS
from twinsync.experiments.sweeps.cell import Cell
from twinsync.experiments.sweeps.executor import Executor
from twinsync.experiments.sweeps.gather import cells_of, read_results, sweep_cells, sweep_json
from twinsync.experiments.sweeps.plan import Sweep, check_sweep, split, thinned
from twinsync.experiments.sweeps.result import CellResult
from twinsync.experiments.sweeps.schedule import Progress, run
from twinsync.experiments.sweeps.store import Store
from twinsync.experiments.sweeps.toml import BEYOND, PAPER, read_sweep, shipped_sweep
from twinsync.experiments.variant_results import study_cells, write_studies
from twinsync.experiments.variants import PEERS, SETTINGS, VARIANTS, Variant, peer_variants
from twinsync.experiments.verdicts import verdicts
from twinsync.manifest import provenance
from twinsync.presets import Preset, load_preset, load_scenario
from twinsync.scenario import Scenario
from twinsync.suggest import did_you_mean

RESULTS, PLAN = "results", "plan.json"
COMPARISON = "3"
FIGURES = (COMPARISON, *(name.removeprefix("fig") for name in PAPER), "beyond")
PRINTED_FIGURES = (*FIGURES[:-1], SETTINGS, PEERS)  # of a budget that trains the schemes as printed at their size


def default_figures(budget: Budget) -> str:
    """The parts that a budget computes unless told otherwise, as `find_figures` takes them."""
    return ",".join(PRINTED_FIGURES if budget.name == "printed" else FIGURES)


def find_figures(text: str) -> tuple[str, ...]:
    """The parts of an evaluation that a comma-separated list names, in order. Raises `InputError` for another name."""
    wanted = [part.strip() for part in text.split(",")]
    known = (*FIGURES, *BEYOND, *VARIANTS)
    for part in wanted:
        if part not in known:
            raise InputError(f"--figures: unknown {part!r}{did_you_mean(part, known)}; give some of {', '.join(known)}")
    chosen = {name for part in wanted for name in (BEYOND if part == "beyond" else (part,))}
    return tuple(name for name in (COMPARISON, *FIGURES[1:-1], *BEYOND, *VARIANTS) if name in chosen)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to compute: the comparison at the preset or not, sweeps of one axis with the schemes they name, and studies
    of variants at the preset.

    identity: what a folder has to be for, to be continued by it. recipe: the arguments that make this plan again.
    """

    identity: Mapping[str, Any]
    recipe: Mapping[str, Any]
    preset: Preset
    scenario: str
    overrides: tuple[str, ...]
    figures: tuple[str, ...]
    budget: Budget
    seed: int
    compared: tuple[Contender, ...]
    sweeps: tuple[Sweep, ...]
    swept: Mapping[str, Contender]
    studies: Mapping[str, Sequence[Variant]] = dataclasses.field(default_factory=dict)

    def cells(self) -> list[Cell]:
        """All cells, those of the comparison first."""
        found = cells_of(self.compared, self.preset.scenario, self.budget, self.seed)
        for sweep in self.sweeps:
            found += sweep_cells(sweep, self.swept, self.budget, self.seed, self.preset.scenario)
        for variants in self.studies.values():
            found += study_cells(variants, self.preset.scenario, self.budget, self.seed)
        return found


def plan(budget: Budget, figures: Sequence[str], scenario: str, overrides: Sequence[str], seed: int) -> Plan:
    """The plan of a reproduction. Raises `InputError` where a sweep has an impossible value in this scenario."""
    if PEERS in figures:
        _check_peers(budget)
    preset = load_preset(scenario, overrides)
    offered = sweep_schemes(budget)
    left_out = {
        *(() if budget.printed else (scheme.name for scheme in printed_schemes(budget))),
        *(() if budget.repaired_sweeps else (scheme.name for scheme in repaired_schemes(budget))),
    }
    sweeps = []
    for figure in figures:
        if figure == COMPARISON or figure in VARIANTS:
            continue
        shipped = shipped_sweep(f"fig{figure}" if figure.isdigit() else figure)
        # The user's own constants come first: an axis, or what a figure needs, is not theirs to hold.
        sweep = dataclasses.replace(shipped, scenario=scenario, overrides=(*overrides, *shipped.overrides))
        kept = tuple(name for name in shipped.schemes if name not in left_out)
        sweep = dataclasses.replace(thinned(sweep) if budget.thin else sweep, schemes=kept)
        check_sweep(sweep)
        sweeps.append(sweep)
    return Plan(
        identity={"budget": budget.name, "scenario": scenario, "overrides": list(overrides), "seed": seed},
        recipe={
            "budget": dataclasses.asdict(budget),
            "figures": list(figures),
            "scenario": scenario,
            "overrides": list(overrides),
            "seed": seed,
        },
        preset=preset,
        scenario=scenario,
        overrides=tuple(overrides),
        figures=tuple(figures),
        budget=budget,
        seed=seed,
        compared=tuple(contenders(budget)) if COMPARISON in figures else (),
        sweeps=tuple(sweeps),
        swept=offered,
        studies={name: variants(budget) for name, variants in VARIANTS.items() if name in figures},
    )


def _check_peers(budget: Budget) -> None:
    """Raise `InputError` before any work where the peers cannot be trained."""
    for variant in peer_variants(budget):
        if variant.scheme.library and variant.scheme.settings is not None:
            try:
                check_peer(variant.scheme.settings)
            except InputError as error:
                raise InputError(f"--figures {PEERS}: {error}, or leave that part out") from None


def sweep_plan(path: Path, budget: Budget, seed: int) -> Plan:
    """The plan of a user's own sweep file. Raises `InputError` naming the file and what is wrong in it."""
    offered = sweep_schemes(budget)
    sweep, schemes = read_sweep(path, offered)
    try:
        check_sweep(sweep)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    for scheme in schemes.values():
        if scheme.settings is None:
            _check_allocator(scheme.name, load_scenario(sweep.scenario, sweep.overrides), schemes_known=offered)
    return Plan(
        # The sweep itself may change: results are found by what they are the result of.
        identity={"sweep": sweep.name, "seed": seed},
        recipe={"budget": dataclasses.asdict(budget), "file": str(path), "seed": seed},
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


def _check_allocator(name: str, scenario: Scenario, *, schemes_known: Collection[str]) -> None:
    """Raise `InputError` where a sweep names no allocator; the name of a learned scheme may have been meant."""
    try:
        find_allocators(name, scenario)
    except InputError as error:
        hint = did_you_mean(name, schemes_known)
        if not str(error).startswith("unknown allocator") or "did you mean" in str(error) or not hint:
            raise
        raise InputError(f"unknown scheme {name!r}{hint}; schemes that learn: {', '.join(schemes_known)}") from None


def sweep_schemes(budget: Budget) -> dict[str, Contender]:
    """The schemes that sweeps know by name, those as printed at the budget's size among them."""
    return {scheme.name: scheme for scheme in contenders(dataclasses.replace(budget, printed=True))}


def reproduce(
    whole: Plan,
    out: Path,
    executor: Executor,
    *,
    command: str = "",
    resume: bool = False,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Compute a plan, evaluate and report into `out`; returns the report's path.

    Interrupted, it continues with `resume=True` where it stopped, to the same result; asked for other figures, it
    computes what they lack. Raises `InputError` where `out` exists without `resume`, cannot be written, or was made for
    something else.
    """
    tell = progress or (lambda what, done, total: None)
    open_folder(out, dict(whole.identity), "reproduction", resume=resume)
    write_json(out / PLAN, {"command": command, **whole.recipe})
    store = Store(out / RESULTS)
    run(whole.cells(), store, executor, tell, say)
    tell("report", 0, 1)
    _write_raw(out, whole, store, command)
    claims = verdicts(out, whole.scenario, whole.overrides, whole.seed, tell)
    report = write_report(out, claims)
    tell("report", 1, 1)
    return report


def report(out: Path) -> Path:
    """Write the report of a finished or interrupted run again, from what is there; nothing is computed.

    Raises `InputError` naming the file that is missing or damaged.
    """
    if not out.is_dir():
        raise InputError(f"{out}: no such folder; give the folder that `twinsync reproduce --out` wrote")
    if (out / PLAN).exists() and (out / RESULTS).is_dir():
        whole, command = _planned(out / PLAN)
        store = Store(out / RESULTS)
        _write_raw(out, whole, store, command, partial=True)
        if store.damaged:
            raise InputError(f"{store.damaged[0]}; compute it again with: {command} --resume")
    manifest = read_manifest(out)
    claims = verdicts(out, manifest["scenario"]["name"], manifest["scenario"]["overrides"], manifest["seed"])
    return write_report(out, claims)


def _planned(path: Path) -> tuple[Plan, str]:
    """The plan that a folder was last computed by, and the command."""
    try:
        recipe = read_json(path)
        budget = Budget(**recipe["budget"])
        if "file" in recipe:
            return sweep_plan(Path(recipe["file"]), budget, recipe["seed"]), recipe["command"]
        chosen = plan(budget, recipe["figures"], recipe["scenario"], recipe["overrides"], recipe["seed"])
        return chosen, recipe["command"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}: {error}); run the command again") from None


def _write_raw(out: Path, whole: Plan, store: Store, command: str, *, partial: bool = False) -> None:
    budget, seed = whole.budget, whole.seed
    origin = provenance(command, seed)
    write_json(out / SCENARIO, describe_constants(whole.preset))
    write_json(out / LEARNING, learning_constants())
    told: dict[str, Any] = {"timings_s": {}, "schemes": [], "headline": None}
    if whole.compared:
        told = write_comparison(
            out, whole.compared, whole.preset.scenario, store, budget, seed, origin, partial=partial
        )
    swept = []
    for sweep in whole.sweeps:
        alone = _alone(command, sweep.name.removeprefix("fig")) if whole.figures else command
        base = whole.preset.scenario
        swept.append(sweep_json(sweep, whole.swept, store, budget, seed, alone, base, partial=partial))
        told["timings_s"][sweep.name] = swept[-1]["training_s"]
    named = {entry["name"] for entry in told["schemes"]}
    others = {name for sweep in whole.sweeps for name in sweep.schemes} - named
    told["schemes"] += [scheme.as_json() for name, scheme in whole.swept.items() if name in others]
    write_json(out / SWEEPS, {"sweeps": swept})
    if whole.studies:
        write_studies(out, whole.studies, whole.preset.scenario, store, budget, seed, partial=partial)
    computed, planned = _each_once(whole, store, partial=partial)
    write_json(
        out / MANIFEST,
        {
            **origin,
            "budget": budget.name,
            "budget_note": budget.note(),
            "figures": list(whole.figures),
            "scenario": {"name": whole.preset.name, "overrides": list(whole.overrides)},
            # Parts share results, so that their times add up to more.
            "total_s": round(sum(result.total_s for result in computed), 1),
            "results": {"computed": len(computed), "planned": planned},
            "evaluation": {"slots": budget.evaluation_slots, "seeds": budget.evaluation_seeds},
            **told,
        },
    )


def _each_once(whole: Plan, store: Store, *, partial: bool) -> tuple[list[CellResult], int]:
    """The results of a plan, those that parts share once, and how many there are to be."""
    cells = {cell.address: cell for cell in whole.cells()}.values()
    found = read_results(store, list(cells), partial=partial)
    return [result for results in found.values() for result in results], len(cells)


def _alone(command: str, figure: str) -> str:
    """The command that makes one figure alone."""
    return f"{re.sub(r' --figures[ =][^ ]+', '', command)} --figures {figure}"
