"""Made-up sweeps of the paper's figures from latency laws."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from tests.experiments.made_up import compared, evaluation, measured

from twinsync.experiments.columns import compared as comparison_of
from twinsync.experiments.records import Axis, Evaluation, Pair, Point, Sweep
from twinsync.experiments.results import Results
from twinsync.experiments.statistics import interval

UNITS = {"fig4": "", "fig5": "Mbit", "fig6": "", "fig7": "GHz"}
SPREAD = np.array([-0.002, -0.001, 0.0, 0.001, 0.002])  # of five seeds, relative
SHARES = {"sensing": 0.1, "extraction": 0.2, "uplink": 0.5, "recovery": 0.2}
Law = Callable[[float], float]  # x to mean latency [s]
Slots = int | Mapping[str, int] | None


def evaluation_at(latencies_s: Mapping[str, float], sent_bits: Mapping[str, float], slots: Slots) -> Evaluation:
    units = {name: value * (1.0 + SPREAD) for name, value in latencies_s.items()}

    def pair(a: str, b: str) -> Pair:
        """A below B in latency, and above it by as much in cost."""
        lower = interval(lambda x, y: 100.0 * (1.0 - x / y), units[a], units[b])
        higher = interval(lambda x, y: 100.0 * (x / y - 1.0), units[a], units[b])
        return Pair(lower, lower, higher, higher, "training seed", len(SPREAD))

    allocators = {
        name: measured(
            latency_s,
            10.0 * latency_s,
            learns=True,
            unit_latency_s=tuple(units[name]),
            sent_bits=sent_bits.get(name, 3e5),
            training_slots=float("nan") if slots is None else slots if isinstance(slots, int) else slots[name],
            training_seeds=float("nan"),
            latency_parts_s={stage: latency_s * share for stage, share in SHARES.items()},
        )
        for name, latency_s in latencies_s.items()
    }
    paired = {a: {b: pair(a, b) for b in units if b != a} for a in units}
    return evaluation(allocators, paired=paired, seed=0)


@pytest.fixture(scope="session")
def sweep() -> Callable[..., Sweep]:
    """A sweep from its name, its x and a law per scheme; `sent` is bits on air by scheme, `slots` the training's
    length, of all or by scheme."""

    def build(
        name: str,
        xs: list[float],
        laws: Mapping[str, Law],
        sent: Mapping[str, float] | None = None,
        slots: Slots = None,
    ) -> Sweep:
        points = [
            Point(
                x,
                f"{x:g}",
                (f"key={x}",),
                evaluation_at({scheme: law(x) for scheme, law in laws.items()}, sent or {}, slots),
            )
            for x in xs
        ]
        return Sweep(
            name=name,
            figure=f"Fig. {name[-1]}",
            title=name,
            axis=Axis(("key",), "key", UNITS[name]),
            overrides=(),
            schemes=tuple(laws),
            command="",
            commits=(),
            training_s=0.0,
            points=tuple(points),
        )

    return build


@pytest.fixture
def base() -> Results:
    """A comparison with learning curves; only some of its schemes have the default names."""
    results = compared()
    assert results.comparison is not None
    allocators = comparison_of(results).evaluation.allocators
    allocators["no-semantics"] = measured(20.0, 160.0, extraction_factor=1.0, unit_latency_s=(20.0, 20.0))
    return results
