"""Sensitivity of the claims to assumed constants: each constant is varied alone, with the paper's axes at their ends.

Only exact schemes that know the channel take part: the optimum for SAC, `random-extraction` for the random strategy,
`no-semantics` for w/o SC. Nothing is trained, so claims about learners alone (SAC against PPO) are not covered.
Constants that the paper states stay as printed. Fading blocks stay at 1, which the exact optimum needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import jax
import numpy as np
from msgspec.structs import replace

from twinsync.allocators.registry import find_allocators
from twinsync.errors import InputError
from twinsync.experiments.claims.evidence import EXACT, gather
from twinsync.experiments.claims.statements import STATEMENTS
from twinsync.experiments.claims.verdicts import HOLDS, NOT_SETTLED, RULES, UNCHECKED
from twinsync.experiments.constants import value_text
from twinsync.experiments.evaluate import Progress, evaluate
from twinsync.experiments.records import (
    Axis,
    ClaimCheck,
    Evaluation,
    NotVaried,
    Point,
    Sensitivity,
    Sweep,
    VariedCheck,
)
from twinsync.experiments.summary import evaluation_record
from twinsync.experiments.sweep import SweepPlan, places
from twinsync.model.sensing import sensing_rate_bps
from twinsync.presets import Preset, load_preset
from twinsync.scenario import Scenario

SETS = 4  # of slots, the units of the intervals

VARIED: dict[str, tuple[float | str, ...]] = {
    "path_loss_exponent": (2.0, 3.5),
    "extraction_factor_min": (0.1, 0.5),
    "sensing_rate_bps": (4e6, 16e6),  # derived from D_max otherwise; 4 Mbit/s is the least for the largest D of Fig. 5
    "sensing_energy_j_bit": (0.0, 1e-7),
    "device_cpu_min_hz": (1e7, 3e8),
    "edge_cpu_min_hz": (1e7, 5e8),
    "speed_mean_m_s": (0.5, 5.0),
    "speed_std_m_s": (0.0, 1.0),
    "speed_memory": (0.0, 0.99),
    "direction_std_rad": (0.0, 2.0),
    "latency_cap_slots": (3.0, 10.0),
    "penalty": ("literal",),
}


# The paper's axes at their ends.
_ENDS = {
    "fig4": Axis(("device_count",), "", "", (("2",), ("10",))),
    "fig5": Axis(("data_min_bits", "data_max_bits"), "", "Mbit", (("0.2 Mbit", "0.4 Mbit"), ("1.0 Mbit", "1.2 Mbit"))),
    "fig6": Axis(("extraction_factor_min",), "", "", (("0.3",), ("1.0",))),
    "fig7": Axis(("device_cpu_max_hz",), "", "GHz", (("0.6 GHz",), ("1.4 GHz",))),
}


def sensitivity(
    scenario: str = "paper",
    overrides: Sequence[str] = (),
    *,
    slots: int = 200,
    seed: int = 0,
    varied: Mapping[str, Sequence[float | str]] = VARIED,
    progress: Progress | None = None,
) -> Sensitivity:
    """Check the claims that exact schemes can decide, in the scenario and with each constant of `varied` changed alone.

    slots: number of slots evaluated at each point of an axis.
    """
    preset = load_preset(scenario, overrides)
    bench = _Bench(scenario, tuple(overrides), max(1, slots // SETS), seed)
    sweeps = [_through_own(name, axis, preset.scenario) for name, axis in _ENDS.items()]
    variants, not_varied = _variants(preset, scenario, overrides, varied)
    tell = progress or (lambda what, done, total: None)
    tell("sensitivity", 0, len(variants) + 1)
    base = tuple(_checks(bench, sweeps, ()))
    verdicts = {check.claim: check.verdict for check in base}
    rows: list[VariedCheck] = []
    for done, (key, value, text) in enumerate(variants, start=1):
        tell(f"sensitivity: {key} = {text}", done, len(variants) + 1)
        others = [sweep for sweep in sweeps if key not in sweep.axes[0].keys]
        try:
            checks = list(_checks(bench, others, (f"{key}={value}",)))
        except InputError as error:
            not_varied.append(NotVaried(key, f"{text}: {error}"))
            continue
        tag = preset.provenance[key].tag
        rows += [
            VariedCheck(
                check.claim, check.verdict, check.holds, check.number, check.low, check.high, key, tag, value, text,
                flips=_flips(verdicts[check.claim], check.verdict),
            )
            for check in checks
        ]  # fmt: skip
    tell("sensitivity", len(variants) + 1, len(variants) + 1)
    return Sensitivity(
        scenario=scenario,
        overrides=tuple(overrides),
        rules=RULES,
        slots=bench.slots * SETS,
        seed=seed,
        schemes=EXACT.all(),
        base=base,
        rows=tuple(rows),
        not_varied=tuple(not_varied),
    )


def _flips(before: str, after: str) -> bool:
    """Whether exactly one of two verdicts is `HOLDS`; False if either is not settled."""
    return NOT_SETTLED not in (before, after) and (before == HOLDS) != (after == HOLDS)


class _Bench:
    """Evaluates points, each only once: the axes and the varied constants share the scenario's own values."""

    def __init__(self, scenario: str, overrides: tuple[str, ...], slots: int, seed: int) -> None:
        self._scenario, self._overrides = scenario, overrides
        self.slots, self._seed = slots, seed
        self._evaluations: dict[Scenario, Evaluation] = {}

    def evaluation(self, changes: tuple[str, ...]) -> Evaluation:
        """The exact schemes' evaluation under further overrides."""
        scenario = load_preset(self._scenario, (*self._overrides, *changes)).scenario
        if scenario not in self._evaluations:
            # Plain numbers would be compiled in; as arrays they are arguments, so one program serves every value. An
            # automatic sensing rate is not a leaf of the tree and would need a program of its own.
            resolved = scenario.replace(sensing_rate_bps=sensing_rate_bps(scenario))
            numbers = jax.tree.map(np.float64, resolved)
            allocators = {name: find_allocators(name, scenario) for name in EXACT.all()}
            raw = evaluate(numbers, allocators, slots=self.slots, seeds=SETS, seed=self._seed)
            self._evaluations[scenario] = evaluation_record(raw)
        return self._evaluations[scenario]


def _checks(bench: _Bench, sweeps: Sequence[SweepPlan], changes: tuple[str, ...]) -> Iterator[ClaimCheck]:
    """Each claim that exact schemes can decide, apart from those whose axis is not among `sweeps`."""
    evidence = gather(None, {sweep.name: _sweep(bench, sweep, changes) for sweep in sweeps}, EXACT)
    for statement in STATEMENTS:
        if statement.exact:
            finding = statement.check(evidence)
            if finding.verdict != UNCHECKED:
                value = finding.value
                holds = finding.verdict == HOLDS
                yield ClaimCheck(statement.key, finding.verdict, holds, value.mean, value.low, value.high)


def _sweep(bench: _Bench, sweep: SweepPlan, changes: tuple[str, ...]) -> Sweep:
    """A sweep of the exact schemes under further overrides."""
    points = [
        Point(place.x, place.label, place.overrides, bench.evaluation((*changes, *place.overrides)))
        for place in places(sweep)
    ]
    return Sweep(
        name=sweep.name,
        figure=sweep.figure,
        title=sweep.title,
        axis=replace(sweep.axes[0], values=()),
        overrides=changes,
        schemes=sweep.schemes,
        command="",
        commits=(),
        training_s=0.0,
        points=tuple(points),
    )


def _through_own(name: str, axis: Axis, scenario: Scenario) -> SweepPlan:
    """A sweep along the axis, with the scenario's own value among its points."""
    own = tuple(str(getattr(scenario, key)) for key in axis.keys)
    sweep = SweepPlan(name, name, "paper", (), (replace(axis, values=(*axis.values, own)),), EXACT.all())
    *ends, last = places(sweep)
    twice = last.x in [place.x for place in ends]
    return dataclasses.replace(sweep, axes=(axis,)) if twice else sweep


def _variants(
    preset: Preset, scenario: str, overrides: Sequence[str], varied: Mapping[str, Sequence[float | str]]
) -> tuple[list[tuple[str, float | str, str]], list[NotVaried]]:
    """Every (constant, value, value as text) to try, and the constants and values left out, with reasons."""
    variants: list[tuple[str, float | str, str]] = []
    left_out = [NotVaried("fading_blocks", "the exact optimum needs one fading block in a slot")]
    for key, values in varied.items():
        if preset.provenance[key].tag == "stated":
            left_out.append(NotVaried(key, "stated, not assumed"))
            continue
        for value in values:
            if value == getattr(preset.scenario, key):
                continue
            try:
                changed = load_preset(scenario, (*overrides, f"{key}={value}")).scenario
            except InputError as error:
                left_out.append(NotVaried(key, str(error)))
                continue
            variants.append((key, value, value_text(changed, key)))
    return variants, left_out
