"""Made-up sweeps in the shape of `sweeps.json`, from latency laws."""

import json
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from twinsync.experiments.run_folder import read_run_folder
from twinsync.experiments.statistics import Bootstrap
from twinsync.storage import jsonable

AXES = {"fig4": "", "fig5": "Mbit", "fig6": "", "fig7": "GHz"}
SPREAD = np.array([-0.002, -0.001, 0.0, 0.001, 0.002])  # of five seeds, relative
Law = Callable[[float], float]  # x to mean latency [s]


def evaluation(
    latencies: Mapping[str, float], sent_bits: Mapping[str, float], slots: int | Mapping[str, int] | None
) -> dict:
    units = {name: value * (1.0 + SPREAD) for name, value in latencies.items()}
    bootstrap = Bootstrap(0)

    def lower(a: str, b: str) -> dict:
        found = bootstrap.interval(lambda x, y: 100.0 * (1.0 - x / y), units[a], units[b])
        return {"mean": found.mean, "ci_low": found.low, "ci_high": found.high}

    paired = {a: {b: lower(a, b) for b in units if b != a} for a in units}
    return {
        "seed": 0,
        "allocators": {
            name: {
                "unit_latency_s": values,
                "latency_s": {"mean": values.mean()},
                "sent_bits": sent_bits.get(name, 3e5),
                "training_slots": slots.get(name) if isinstance(slots, Mapping) else slots,
                "latency_parts_s": {
                    stage: latencies[name] * share
                    for stage, share in (("sensing", 0.1), ("extraction", 0.2), ("uplink", 0.5), ("recovery", 0.2))
                },
            }
            for name, values in units.items()
        },
        "paired": {
            a: {
                b: {"latency_reduction_percent": value, "cost_reduction_percent": {**value, "mean": -value["mean"]}}
                for b, value in row.items()
            }
            for a, row in paired.items()
        },
    }


@pytest.fixture
def sweep() -> Callable[..., dict]:
    """A sweep from its name, its x and a law per scheme; `sent` is bits on air by scheme, `slots` the training's
    length, of all or by scheme."""

    def build(
        name: str, xs: list[float], laws: Mapping[str, Law], sent: Mapping[str, float] | None = None,
        slots: int | Mapping[str, int] | None = None,
    ) -> dict:  # fmt: skip
        points = [
            {
                "x": x,
                "label": f"{x:g}",
                "set": [f"key={x}"],
                "evaluation": evaluation({scheme: law(x) for scheme, law in laws.items()}, sent or {}, slots),
                "missing": {},
            }
            for x in xs
        ]
        return jsonable(
            {"name": name, "axis": {"keys": ["key"], "unit": AXES[name]}, "schemes": list(laws), "points": points}
        )

    return build


@pytest.fixture
def base_run(run_folder):
    """A made-up run with a base comparison and learning curves; only some of its schemes have the default names."""
    path = run_folder / "evaluation.json"
    content = json.loads(path.read_text("utf-8"))
    content["allocators"]["no-semantics"] = {**content["allocators"]["raw"], "unit_latency_s": [20.0, 20.0]}
    for row in content["allocators"].values():
        row["sent_bits"] = 7e5 * row["extraction_factor"]
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_run_folder(run_folder)
