"""The evidence that claims are checked against: points of sweeps by scheme, and which schemes stand for the paper's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twinsync.arrays import Float
from twinsync.experiments.formatting import NBSP
from twinsync.experiments.records import NOTHING, Estimate, Measured, Point, Sweep
from twinsync.experiments.results import Comparison, Curve
from twinsync.experiments.schemes import BUDGETS, all_schemes

SYMBOLS = {"fig4": "K", "fig5": "D", "fig6": "φ_min", "fig7": "f_u"}  # on the axes of the paper's figures
LEFT_OUT = {"fig6": ("random", "without_sc"), "fig7": ("without_sc",)}  # benchmarks that a figure of the paper lacks


@dataclass(frozen=True)
class Cast:
    """Names of the schemes that stand for the paper's; None where there is none."""

    sac: str
    ppo: str | None
    random: str
    without_sc: str

    def all(self) -> tuple[str, ...]:
        """Every scheme, the proposed one first."""
        return (self.sac, *self.benchmarks())

    def benchmarks(self) -> tuple[str, ...]:
        """The schemes that the proposed one is compared with."""
        return tuple(name for name in (self.ppo, self.random, self.without_sc) if name)


TUNED = Cast("sac-tuned", "ppo-tuned", "random-strategy", "without-sc")
PAPER = Cast("sac-paper", "ppo-paper", "random-strategy-paper", "without-sc-paper")
EXACT = Cast("optimum", None, "random-extraction", "no-semantics")


@dataclass(frozen=True)
class NamedPoint:
    """One point of a sweep, or the base comparison, and its name in a sentence."""

    point: Point
    name: str

    def __getitem__(self, scheme: str) -> Measured:
        """The measurements of a scheme for which `has` is true."""
        measured = self.point.measured(scheme)
        assert measured is not None
        return measured

    def has(self, *schemes: str) -> bool:
        """Whether all these schemes were evaluated here."""
        return all(self.point.measured(scheme) is not None for scheme in schemes)

    def latency_s(self, scheme: str) -> Float[np.ndarray, " n"]:
        """Mean latency T[n] per training seed, or per set of slots if nothing was trained [s]; NaN if not finite."""
        return np.array(self[scheme].unit_latency_s, float)

    def stage_s(self, scheme: str, stage: str) -> Float[np.ndarray, " n"]:
        """Mean time in one stage, summed over the UDs, per seed or set [s]; empty if it was not recorded."""
        return np.array(self[scheme].unit_latency_parts_s.get(stage, ()), float)

    def sent_bits(self, scheme: str) -> Float[np.ndarray, " n"]:
        """Mean bits on air per UD, per seed or set; empty if they were not recorded."""
        return np.array(self[scheme].unit_sent_bits, float)

    def reduction(self, scheme: str, benchmark: str) -> Estimate:
        """How far the scheme's mean latency lies below a benchmark's on the same slots [%]."""
        pair = self.point.evaluation.pair(scheme, benchmark)
        return NOTHING if pair is None else pair.latency_reduction_percent

    def cost_reduction(self, scheme: str, benchmark: str) -> Estimate:
        """How far the scheme's mean cost lies below a benchmark's on the same slots [%]."""
        pair = self.point.evaluation.pair(scheme, benchmark)
        return NOTHING if pair is None else pair.cost_reduction_percent

    def degrees(self, scheme: str, benchmark: str) -> float:
        """Degrees of freedom of the intervals of this comparison; NaN if the two were not compared."""
        pair = self.point.evaluation.pair(scheme, benchmark)
        return math.nan if pair is None else pair.unit_count - 1.0

    def training_slots(self, scheme: str) -> float:
        """Slots that the scheme was trained on; NaN if it is not trained or the number is not known."""
        measured = self.point.measured(scheme)
        return math.nan if measured is None else measured.training_slots

    def seeds(self, scheme: str) -> int:
        """Number of training seeds, or of sets of slots if nothing is trained."""
        measured = self[scheme]
        seeds = measured.training_seeds
        return len(measured.unit_latency_s) if math.isnan(seeds) else int(seeds)


@dataclass(frozen=True)
class View:
    """One of the paper's sweeps, with its points in the order of the axis; `unit` includes the space before it."""

    name: str
    symbol: str
    unit: str
    schemes: tuple[str, ...]
    places: tuple[NamedPoint, ...]

    def step(self, before: NamedPoint, after: NamedPoint) -> str:
        """A step of the axis in words."""
        return f"{self.symbol}{NBSP}={NBSP}{before.point.label} → {after.point.label}{self.unit}"

    def having(self, scheme: str) -> list[NamedPoint]:
        """The points where a scheme was evaluated."""
        return [place for place in self.places if place.has(scheme)]


@dataclass(frozen=True)
class Evidence:
    """All that a claim may be checked against: the base comparison with its learning curves, the paper's sweeps, and
    the schemes that stand for the paper's. overrides: constants of the base comparison that differ from the preset's.
    """

    base: NamedPoint | None
    curves: Mapping[str, Curve]
    views: Mapping[str, View]
    cast: Cast
    labels: Mapping[str, str]
    overrides: tuple[str, ...]

    def label(self, scheme: str) -> str:
        """The scheme's display name."""
        return self.labels.get(scheme, scheme)

    def members(self, figure: str) -> list[str]:
        """The schemes that the paper shows in `fig4` to `fig7`."""
        left_out = [getattr(self.cast, role) for role in LEFT_OUT.get(figure, ())]
        return [name for name in self.cast.all() if name not in left_out]

    def places_of(self, figure: str) -> list[NamedPoint]:
        """The places that a figure's claims are checked at; those of the abstract are checked at all of them."""
        base = [] if self.base is None else [self.base]
        if figure == "Fig. 3":
            return base
        if figure.startswith("Fig. "):
            view = self.views.get(f"fig{figure[-1]}")
            return base if view is None else list(view.places)
        return [*base, *(place for view in self.views.values() for place in view.places)]


def gather(
    comparison: Comparison | None,
    sweeps: Mapping[str, Sweep],
    cast: Cast,
    *,
    labels: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Evidence:
    """Evidence from a base comparison (None: there is none) and the sweeps of Figs. 4 to 7 among `sweeps`.

    labels: display names, by scheme, that differ from the usual ones. overrides: constants changed in the base
    comparison.
    """
    views = {name: _view(name, sweeps[name], symbol) for name, symbol in SYMBOLS.items() if name in sweeps}
    base = None if comparison is None else NamedPoint(comparison.point, "the base comparison")
    usual = {scheme.name: scheme.label for scheme in all_schemes(BUDGETS["full"])}
    curves = {} if comparison is None else comparison.curves
    return Evidence(base, curves, views, cast, {**usual, **(labels or {})}, tuple(overrides))


def _view(name: str, sweep: Sweep, symbol: str) -> View:
    unit = f"{NBSP}{sweep.axis.unit}" if sweep.axis.unit else ""
    places = (NamedPoint(point, f"{symbol}{NBSP}={NBSP}{point.label}{unit}") for point in sweep.points)
    return View(name, symbol, unit, sweep.schemes, tuple(places))
