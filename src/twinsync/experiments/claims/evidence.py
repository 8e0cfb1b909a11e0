"""What the checks of claims look at: points of a sweep, by scheme, and who plays which part of the paper's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinsync.arrays import Float
from twinsync.experiments.formatting import NBSP
from twinsync.experiments.records import Estimate
from twinsync.experiments.run_folder import RunFolder
from twinsync.experiments.schemes import BUDGETS, contenders
from twinsync.experiments.statistics import Bootstrap

SYMBOLS = {"fig4": "K", "fig5": "D", "fig6": "φ_min", "fig7": "f_u"}  # of the paper's figures


@dataclass(frozen=True)
class Cast:
    """Names of the schemes that play the paper's; None where nobody does."""

    sac: str
    ppo: str | None
    random: str
    without_sc: str

    def all(self) -> tuple[str, ...]:
        """Every scheme, the proposed one first."""
        return (self.sac, *self.benchmarks())

    def benchmarks(self) -> tuple[str, ...]:
        """The schemes the proposed one is held against."""
        return tuple(name for name in (self.ppo, self.random, self.without_sc) if name)


TUNED = Cast("sac-tuned", "ppo-tuned", "random-strategy", "without-sc")
PAPER = Cast("sac-paper", "ppo-paper", "random-strategy-paper", "without-sc-paper")
EXACT = Cast("optimum", None, "random-extraction", "no-semantics")


@dataclass(frozen=True)
class Place:
    """One point of a sweep, or the base comparison: where it lies in words, and its evaluation."""

    x: float
    label: str
    where: str
    overrides: tuple[str, ...]
    evaluation: Mapping[str, Any]
    missing: Mapping[str, str]

    def has(self, scheme: str) -> bool:
        """Whether the scheme was evaluated here."""
        return scheme in self.evaluation.get("allocators", {})

    def units(self, scheme: str) -> Float[np.ndarray, " n"]:
        """Mean latency T[n] of each training seed (set of slots where nothing was trained) [s]; NaN where lost."""
        return np.array([_number(value) for value in self._of(scheme).get("unit_latency_s", [])])

    def mean(self, scheme: str, key: str) -> float:
        """A plain mean of the evaluation; NaN where there is none."""
        return _number(self._of(scheme).get(key))

    def part(self, scheme: str, stage: str) -> float:
        """Mean time in one stage, sum over the UDs [s]."""
        return _number(self._of(scheme).get("latency_parts_s", {}).get(stage))

    def reduction(self, scheme: str, benchmark: str, key: str = "latency") -> Estimate:
        """By how much the scheme's mean latency (or cost) lies below a benchmark's on the same slots [%]."""
        pair = self.evaluation.get("paired", {}).get(scheme, {}).get(benchmark, {})
        found = pair.get(f"{key}_reduction_percent") or {}
        return Estimate(*(_number(found.get(key)) for key in ("mean", "ci_low", "ci_high")))

    def training_slots(self, scheme: str) -> float:
        """Slots that the scheme was trained on; NaN where nothing is trained, or where it is not known."""
        return _number(self._of(scheme).get("training_slots"))

    def seeds(self, scheme: str) -> int:
        """Number of training seeds (of sets of slots where nothing is trained)."""
        told = self._of(scheme).get("training_seeds")
        return len(self._of(scheme).get("unit_latency_s", [])) if told is None else int(told)

    def _of(self, scheme: str) -> Mapping[str, Any]:
        return self.evaluation.get("allocators", {}).get(scheme, {})


@dataclass(frozen=True)
class View:
    """One sweep of the paper's, its points in the order of the axis; `unit` comes with the space before it."""

    name: str
    symbol: str
    unit: str
    schemes: tuple[str, ...]
    places: tuple[Place, ...]

    def step(self, before: Place, after: Place) -> str:
        """A step of the axis in words."""
        return f"{self.symbol} = {before.label} → {after.label}{self.unit}"


@dataclass(frozen=True)
class Evidence:
    """All that a claim may be checked against: the base comparison, the paper's sweeps, and the cast."""

    run: RunFolder | None
    views: Mapping[str, View]
    cast: Cast
    bootstrap: Bootstrap
    labels: Mapping[str, str]

    def label(self, scheme: str) -> str:
        """The scheme's name for people."""
        return self.labels.get(scheme, scheme)

    @property
    def base(self) -> Place | None:
        """The base comparison as a place."""
        if self.run is None:
            return None
        return Place(math.nan, "", "the base comparison", (), self.run.evaluation, {})


def sizes_differ(a: float, b: float) -> bool:
    """Whether two numbers of training slots are known and not the same: such runs are not compared."""
    return not (math.isnan(a) or math.isnan(b)) and a != b


def gather(run: RunFolder | None, swept: Mapping[str, Mapping[str, Any]], cast: Cast) -> Evidence:
    """Evidence from a run's base comparison (None: there is none) and the sweeps of Figs. 4 to 7 among `swept`."""
    labels = {item.name: item.label for item in contenders(BUDGETS["full"])}
    if run is not None:
        labels |= {name: scheme.label for name, scheme in run.schemes.items()}
    views = {name: _view(name, swept[name], symbol) for name, symbol in SYMBOLS.items() if name in swept}
    seed = next((p.evaluation["seed"] for v in views.values() for p in v.places if "seed" in p.evaluation), 0)
    return Evidence(run, views, cast, Bootstrap(seed if run is None else run.manifest["seed"]), labels)


def _view(name: str, sweep: Mapping[str, Any], symbol: str) -> View:
    axis = sweep["axis"]
    unit = f"{NBSP}{axis['unit']}" if axis.get("unit") else ""
    places = [
        Place(
            x=float(point["x"]),
            label=str(point["label"]),
            where=f"{symbol} = {point['label']}{unit}",
            overrides=tuple(point.get("set", ())),
            evaluation=point["evaluation"],
            missing=point.get("missing", {}),
        )
        for point in sweep["points"]
    ]
    places.sort(key=lambda place: place.x)
    return View(name, symbol, unit, tuple(sweep["schemes"]), tuple(places))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
