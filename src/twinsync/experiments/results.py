"""The results of a folder in memory, from which claims are checked and reports and figures are made."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from twinsync.arrays import Float
from twinsync.errors import InputError
from twinsync.experiments.records import (
    Claim,
    ClaimOutcome,
    ConstantEntry,
    ConvergenceRow,
    Evaluation,
    Manifest,
    Point,
    PolicyPicture,
    Scheme,
    Study,
    Sweep,
    Sweeps,
)
from twinsync.storage import encode, read, read_text, write_text

MANIFEST, SCENARIO, LEARNING = "manifest.json", "scenario.json", "learning.json"
EVALUATION, CONVERGENCE = "evaluation.json", "convergence.csv"
SWEEPS, STUDIES = "sweeps.json", "studies.json"
SENSITIVITY, CLAIMS = "sensitivity.json", "claims.csv"
POLICY_PICTURE = "policy_picture.json"

OPTIMUM, EXPECTED = "optimum", "expected"  # allocators' names
SAC_AS_PRINTED = "sac-paper"
TRAINING_SEED, EVALUATION_SEED = "training seed", "evaluation seed"  # units of intervals


@dataclass(frozen=True)
class Curve:
    """Learning curves of one scheme over training seeds [S] and points `slots` [P]; NaN where nothing was measured."""

    scheme: str
    seeds: tuple[int, ...]
    slots: np.ndarray
    cost: Float[np.ndarray, "S P"]
    latency_s: Float[np.ndarray, "S P"]
    training_reward: Float[np.ndarray, "S P"]


@dataclass(frozen=True)
class Comparison:
    """All schemes at the preset: the evaluation, the learning curves, and the headline's learner and benchmarks."""

    evaluation: Evaluation
    curves: Mapping[str, Curve]
    learner: str
    benchmarks: tuple[str, ...]

    @cached_property
    def point(self) -> Point:
        """The comparison as a point of a sweep."""
        return Point(x=math.nan, label="", overrides=(), evaluation=self.evaluation)


@dataclass(frozen=True)
class Results:
    """The contents of a folder. comparison: None if only sweeps were requested. policy: None if it was not computed."""

    manifest: Manifest
    scenario: tuple[ConstantEntry, ...] = ()
    learning: tuple[ConstantEntry, ...] = ()
    comparison: Comparison | None = None
    sweeps: tuple[Sweep, ...] = ()
    studies: Mapping[str, Study] = field(default_factory=dict)
    policy: PolicyPicture | None = None

    @cached_property
    def schemes(self) -> dict[str, Scheme]:
        """All schemes that any part names; one that the manifest does not describe has its key as label."""
        schemes = {scheme.name: scheme for scheme in self.manifest.schemes}
        named = [name for sweep in self.sweeps for name in sweep.schemes]
        if self.comparison is not None:
            named += [*self.comparison.evaluation.allocators, *self.comparison.curves]
        return schemes | {name: _unknown(name) for name in named if name not in schemes}

    def label(self, scheme: str) -> str:
        """A scheme's display name."""
        return self.schemes[scheme].label if scheme in self.schemes else scheme

    def sweep(self, name: str) -> Sweep | None:
        """The sweep called `name`, if it was made."""
        return next((sweep for sweep in self.sweeps if sweep.name == name), None)

    def constant(self, key: str) -> Any:
        """The SI value of one of the scenario's constants."""
        for entry in self.scenario:
            if entry.key == key:
                return entry.value
        raise InputError(f"{SCENARIO}: no constant {key!r}; run `twinsync reproduce` again")

    @property
    def accuracy_law(self) -> ConstantEntry | None:
        """The entry of the scenario's own law of accuracy, its value rows of phi and PSNR; None if it has none."""
        return next((entry for entry in self.scenario if entry.key == "accuracy_knots" and entry.value), None)

    @property
    def deadline_s(self) -> float:
        """Deadline of synchronisation, (1 - eta) tau of eq. (16) [s]."""
        return (1.0 - self.constant("sensing_share")) * self.constant("cycle_s") / self.constant("slot_count")

    @property
    def has_printed(self) -> bool:
        """Whether SAC as printed was evaluated anywhere."""
        points = [point for sweep in self.sweeps for point in sweep.points]
        points += [] if self.comparison is None else [self.comparison.point]
        return any(point.measured(SAC_AS_PRINTED) is not None for point in points)

    def with_curves(self, *, printed: bool) -> Results:
        """The results with only the learning curves of the schemes as printed, or with all others."""
        if self.comparison is None:
            return self
        kept = {
            name: curve
            for name, curve in self.comparison.curves.items()
            if (self.schemes[name].group == "paper") == printed
        }
        learner = SAC_AS_PRINTED if printed else self.comparison.learner
        return replace(self, comparison=replace(self.comparison, curves=kept, learner=learner))


def shown_study(name: str, results: Results, record: Results | None) -> tuple[Study, Results] | None:
    """A study and the results it belongs to: the run's own, or, beside a comparison, the record's.

    None if neither has a row of it yet.
    """
    sources = [results] if record is None or results.comparison is None else [results, record]
    for source in sources:
        study = source.studies.get(name)
        if study is not None and study.rows:
            return study, source
    return None


def _unknown(name: str) -> Scheme:
    return Scheme(name=name, label=name, group="heuristic", description="", settings={}, deviations=())


def write_results(folder: Path, results: Results) -> None:
    """Write the raw files of results into an existing folder."""
    files: dict[str, Any] = {SCENARIO: results.scenario, LEARNING: results.learning}
    if results.comparison is not None:
        files[EVALUATION] = results.comparison.evaluation
        write_curves(folder / CONVERGENCE, results.comparison.curves.values())
    files[SWEEPS] = Sweeps(sweeps=results.sweeps)
    if results.studies:
        files[STUDIES] = results.studies
    else:  # those of an earlier run in the folder may be of other settings
        (folder / STUDIES).unlink(missing_ok=True)
    if results.policy is not None:
        files[POLICY_PICTURE] = results.policy
    for name, content in (*files.items(), (MANIFEST, results.manifest)):
        write_text(folder / name, encode(content))


def read_results(folder: Path) -> Results:
    """Read a folder's raw files; those of the comparison only if the manifest has a headline.

    Raises `InputError` that names the missing or wrong file, and the key or line in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder that `twinsync reproduce --out` wrote")
    manifest: Manifest = read(folder / MANIFEST, Manifest)
    scenario, learning = (read(folder / name, tuple[ConstantEntry, ...]) for name in (SCENARIO, LEARNING))
    sweeps: tuple[Sweep, ...] = read(folder / SWEEPS, Sweeps).sweeps if (folder / SWEEPS).exists() else ()
    studies = read(folder / STUDIES, dict[str, Study]) if (folder / STUDIES).exists() else {}
    comparison = _comparison(folder, manifest)
    drawn = comparison is not None and (folder / POLICY_PICTURE).exists()
    policy = read(folder / POLICY_PICTURE, PolicyPicture) if drawn else None
    return Results(manifest, scenario, learning, comparison, sweeps, studies, policy)


def _comparison(folder: Path, manifest: Manifest) -> Comparison | None:
    # Files of an earlier comparison may remain in a folder whose latest run had only sweeps.
    if manifest.headline is None:
        return None
    evaluation: Evaluation = read(folder / EVALUATION, Evaluation)
    learner, benchmarks = manifest.headline.learner, manifest.headline.benchmarks
    for name in (OPTIMUM, learner, *benchmarks):
        if name not in evaluation.allocators:
            raise InputError(f"{folder / EVALUATION}: allocators: {name!r} is missing; run the command again")
    return Comparison(evaluation, read_curves(folder / CONVERGENCE), learner, benchmarks)


def write_curves(path: Path, curves: Iterable[Curve]) -> None:
    """Write all learning curves into one file, a row per scheme, seed and point; NaN as `nan`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(ConvergenceRow.__struct_fields__)
        for curve in curves:
            for seed, place in np.ndindex(*curve.cost.shape):
                values = (array[seed, place] for array in (curve.cost, curve.latency_s, curve.training_reward))
                writer.writerow((curve.scheme, curve.seeds[seed], curve.slots[place], *map(float, values)))


def read_curves(path: Path) -> dict[str, Curve]:
    """Read what `write_curves` wrote, by scheme. Raises `InputError` that names file and line."""
    rows: dict[str, list[ConvergenceRow]] = {}
    for number, line in enumerate(csv.DictReader(read_text(path).splitlines()), start=2):
        try:
            row = msgspec.convert({key: text or None for key, text in line.items()}, ConvergenceRow, strict=False)
        except msgspec.ValidationError as error:
            raise InputError(f"{path}: line {number}: {error}; run the command again") from None
        rows.setdefault(row.scheme, []).append(row)
    if not rows:
        raise InputError(f"{path}: no rows; expected the columns {', '.join(ConvergenceRow.__struct_fields__)}")
    return {name: curve_of(name, measured) for name, measured in rows.items()}


def curve_of(scheme: str, rows: Iterable[Any]) -> Curve:
    """The curve of rows that have seed, slots, cost, latency_s and training_reward, in any order."""
    table = list(rows)
    seeds, slots = sorted({row.seed for row in table}), sorted({row.slots for row in table})
    values = np.full((3, len(seeds), len(slots)), np.nan)
    for row in table:
        values[:, seeds.index(row.seed), slots.index(row.slots)] = row.cost, row.latency_s, row.training_reward
    return Curve(
        scheme, tuple(seeds), np.asarray(slots), cost=values[0], latency_s=values[1], training_reward=values[2]
    )


def write_claims(path: Path, claims: Iterable[Claim]) -> None:
    """Write the claims as CSV, one row per claim."""
    parts = ClaimOutcome.__struct_fields__
    levels = ("printed", "repaired")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        columns = [f"{level}_{part}" for level in levels for part in parts]
        writer.writerow(["figure", "key", "statement", *columns, "hinges"])
        for claim in claims:
            outcomes = [getattr(getattr(claim, level), part) for level in levels for part in parts]
            writer.writerow([claim.figure, claim.key, claim.statement, *outcomes, claim.hinges])
