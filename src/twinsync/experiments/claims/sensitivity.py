"""Which assumed constants a claim hinges on: each is varied alone, and the paper's axes are run at their ends.

Only exact schemes take part, the channel known to them: the optimum for SAC, `random-extraction` for the random
strategy, `no-semantics` for w/o SC. Nothing is trained, so claims between learners (SAC against PPO) are not varied.
Constants that the paper states stay as printed. Fading blocks stay at 1, which the exact optimum needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from twinsync.allocators.registry import find_allocators
from twinsync.errors import InputError
from twinsync.experiments.claims.checks import HOLDS, UNCHECKED
from twinsync.experiments.claims.evidence import EXACT, gather
from twinsync.experiments.claims.statements import STATEMENTS
from twinsync.experiments.constants import value_text
from twinsync.experiments.evaluate import evaluate
from twinsync.experiments.summary import summarise
from twinsync.model.sensing import sensing_rate_bps
from twinsync.presets import Preset, load_preset
from twinsync.scenario import Scenario
from twinsync.storage import jsonable

Progress = Callable[[str, int, int], None]

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


@dataclass(frozen=True)
class Axis:
    """An axis of the paper's, at its ends and at the scenario's own value; `values` are one tuple a point."""

    name: str
    keys: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    scale: float = 1.0  # of x and its label
    unit: str = ""


_ENDS = (
    Axis("fig4", ("device_count",), ((2,), (10,))),
    Axis("fig5", ("data_min_bits", "data_max_bits"), ((0.2e6, 0.4e6), (1.0e6, 1.2e6)), 1e6, "Mbit"),
    Axis("fig6", ("extraction_factor_min",), ((0.3,), (1.0,))),
    Axis("fig7", ("device_cpu_max_hz",), ((0.6e9,), (1.4e9,)), 1e9, "GHz"),
)


def sensitivity(
    scenario: str = "paper",
    overrides: Sequence[str] = (),
    *,
    slots: int = 200,
    seed: int = 0,
    varied: Mapping[str, Sequence[float | str]] = VARIED,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Check the claims that exact schemes can tell at the scenario, and with each constant of `varied` changed alone.

    `slots` is the number at each point of an axis. Returns plain values for JSON: `base` with a row for each claim, and
    `rows` with one for each constant, value and claim: constant, tag, value, text, claim, verdict, holds, number (the
    one that decides the claim, in percent), flips. `not_varied` says which constants were left out, and why.
    """
    preset = load_preset(scenario, overrides)
    bench = _Bench(scenario, tuple(overrides), max(1, slots // SETS), seed)
    axes = [_with_own(axis, preset.scenario) for axis in _ENDS]
    variants, not_varied = _variants(preset, scenario, overrides, varied)
    tell = progress or (lambda what, done, total: None)
    tell("sensitivity", 0, len(variants) + 1)
    base = list(_verdicts(bench, axes, ()))
    before = {row["claim"]: row["holds"] for row in base}
    rows = []
    for done, (key, value, text) in enumerate(variants, start=1):
        tell(f"sensitivity: {key} = {text}", done, len(variants) + 1)
        about = {"constant": key, "tag": preset.provenance[key].tag, "value": value, "text": text}
        try:
            found = list(_verdicts(bench, [axis for axis in axes if key not in axis.keys], (f"{key}={value}",)))
        except InputError as error:
            not_varied.append({"constant": key, "why": f"{text}: {error}"})
            continue
        rows += [{**about, **row, "flips": row["holds"] != before[row["claim"]]} for row in found]
    tell("sensitivity", len(variants) + 1, len(variants) + 1)
    about = {"scenario": scenario, "overrides": list(overrides), "slots": bench.slots * SETS, "seed": seed}
    return jsonable({**about, "schemes": EXACT.all(), "base": base, "rows": rows, "not_varied": not_varied})


class _Bench:
    """Evaluates points, each once: axes and constants meet at the scenario's own values."""

    def __init__(self, scenario: str, overrides: tuple[str, ...], slots: int, seed: int) -> None:
        self._scenario, self._overrides = scenario, overrides
        self.slots, self._seed = slots, seed
        self._known: dict[Scenario, dict[str, Any]] = {}

    def evaluate(self, changes: tuple[str, ...]) -> dict[str, Any]:
        """The exact schemes' evaluation under further overrides."""
        scenario = load_preset(self._scenario, (*self._overrides, *changes)).scenario
        if scenario not in self._known:
            # A plain number is compiled in, an array is an argument: one program serves every value. An automatic
            # sensing rate, which is no leaf, would make it another program.
            resolved = scenario.replace(sensing_rate_bps=sensing_rate_bps(scenario))
            numbers = jax.tree.map(np.float64, resolved)
            found = {name: find_allocators(name, scenario) for name in EXACT.all()}
            result = evaluate(numbers, found, slots=self.slots, seeds=SETS, seed=self._seed)
            self._known[scenario] = summarise(result)
        return self._known[scenario]


def _verdicts(bench: _Bench, axes: Sequence[Axis], changes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """A row for each claim that exact schemes can tell, without those whose axis is left out."""
    evidence = gather(None, {axis.name: _sweep(bench, axis, changes) for axis in axes}, EXACT)
    for item in STATEMENTS:
        if item.exact:
            found = item.check(evidence)
            if found.verdict != UNCHECKED:
                holds = found.verdict == HOLDS
                yield {"claim": item.key, "verdict": found.verdict, "holds": holds, "number": found.number}


def _sweep(bench: _Bench, axis: Axis, changes: tuple[str, ...]) -> dict[str, Any]:
    """An axis in the shape of an entry of `sweeps.json`."""
    points = []
    for values in axis.values:
        here = tuple(f"{key}={value}" for key, value in zip(axis.keys, values, strict=True))
        points.append(
            {
                "x": sum(values) / len(values) / axis.scale,
                "label": " to ".join(f"{value / axis.scale:g}" for value in values),
                "set": list(here),
                "evaluation": bench.evaluate((*changes, *here)),
            }
        )
    return {"axis": {"unit": axis.unit}, "schemes": list(EXACT.all()), "points": points}


def _with_own(axis: Axis, scenario: Scenario) -> Axis:
    """The axis with the scenario's own value among its points."""
    own = tuple(getattr(scenario, key) for key in axis.keys)
    values = tuple(sorted({*axis.values, own}))
    return Axis(axis.name, axis.keys, values, axis.scale, axis.unit)


def _variants(
    preset: Preset, scenario: str, overrides: Sequence[str], varied: Mapping[str, Sequence[float | str]]
) -> tuple[list[tuple[str, float | str, str]], list[dict[str, str]]]:
    """Every (constant, value, value in words) to try, and what is left out."""
    found: list[tuple[str, float | str, str]] = []
    left_out = [{"constant": "fading_blocks", "why": "the exact optimum needs one fading block in a slot"}]
    for key, values in varied.items():
        if preset.provenance[key].tag == "stated":
            left_out.append({"constant": key, "why": "stated, not assumed"})
            continue
        for value in values:
            if value == getattr(preset.scenario, key):
                continue
            try:
                changed = load_preset(scenario, (*overrides, f"{key}={value}")).scenario
            except InputError as error:
                left_out.append({"constant": key, "why": str(error)})
                continue
            found.append((key, value, value_text(changed, key)))
    return found, left_out
