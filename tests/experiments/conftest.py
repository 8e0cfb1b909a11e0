"""A made-up run's folder: plausible numbers in the shape of a real run, for tests of figures and report."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

# name, label, group, mean latency [s], mean cost, does it learn
SCHEMES = [
    ("sac-tuned", "SAC, repaired", "fixed", 14.03, 90.6, True),
    ("sac-paper", "SAC, as printed", "paper", 19.6, 176.0, True),
    ("ppo", "PPO", "fixed", 16.9, 119.0, True),
    ("without-sc", "w/o SC, repaired", "fixed", 20.4, 158.0, True),
    ("random-strategy", "Random strategy, repaired", "fixed", 17.1, 121.5, True),
    ("gradient", "Gradient policy", "reference", 13.92, 86.6, True),
    ("optimum", "Optimum, channel known", "reference", 13.71, 81.3, False),
    ("random-extraction", "Random extraction, rest optimal", "reference", 15.8, 104.0, False),
    ("equal-share", "Equal share", "heuristic", 18.2, 133.0, False),
    ("random", "Random", "heuristic", 24.9, 236.0, False),
    ("raw", "Raw, no codec", "heuristic", 21.9, 171.0, False),
]
LEARNERS = [row[0] for row in SCHEMES if row[5]]
SLOTS = list(range(0, 20001, 1000))


def estimate(mean: float, spread: float = 0.01) -> dict[str, float]:
    return {
        "mean": mean,
        "ci_low": mean * (1 - spread),
        "ci_high": mean * (1 + 1.2 * spread),
        "median": mean * 0.93,
        "p95": mean * 1.5,
    }


def compare(a: dict, b: dict, learned: bool) -> dict:
    """A less B as the evaluation writes it, each interval 2 % of A's mean wide on either side."""
    found: dict = {"unit": "training seed" if learned else "evaluation seed", "unit_count": 4}
    for key, reduction in (("latency_s", "latency_reduction_percent"), ("cost", "cost_reduction_percent")):
        x, y = a[key]["mean"], b[key]["mean"]
        half = 0.02 * x
        found[key] = {"mean": x - y, "ci_low": x - y - half, "ci_high": x - y + half}
        percent, width = 100 * (1 - x / y), 100 * half / y
        found[reduction] = {"mean": percent, "ci_low": percent - width, "ci_high": percent + width}
    return found


def evaluation() -> dict:
    allocators = {}
    best = next(row for row in SCHEMES if row[0] == "optimum")
    for name, _, _, latency, cost, learns in SCHEMES:
        uplink = (latency - 5.3) * 0.52
        parts = {"sensing": 1.575, "extraction": 3.4, "uplink": uplink, "recovery": latency - 4.975 - uplink}
        gap = estimate(cost / best[4] - 1, 0.15)
        allocators[name] = {
            "latency_s": estimate(latency, 0.012 if learns else 0.004),
            "cost": estimate(cost, 0.025 if learns else 0.006),
            "gap_to_optimum": gap,
            "gap_to_expected": estimate(cost / best[4] - 1.02, 0.15),
            "deadline_miss_rate": 0.9 + latency / 1000,
            "energy_violation_rate": 0.02 if name == "optimum" else 0.11,
            "outage_rate": latency / 2000,
            "energy_j": 2.8,
            "latency_parts_s": parts,
            "energy_parts_j": {"sensing": 0.042, "extraction": 2.2, "uplink": 0.35 + latency / 100},
            "age_of_information_s": 2.0 + latency / 8,
            "jain_index": 0.93,
            "extraction_factor": 1.0 if name in ("raw", "without-sc") else 0.46,
            "unit": "training seed" if learns else "evaluation seed",
            "unit_count": 4,
            "training_slots": 20_000 if learns else None,
            "training_seeds": 4 if learns else None,
            "unit_latency_s": [latency * (1 + 0.008 * step) for step in (-1.4, -0.2, 0.5, 1.1)],
            "unit_cost": [cost * (1 + 0.02 * step) for step in (-1.2, -0.3, 0.4, 1.1)],
        }
    paired = {
        a: {b: compare(allocators[a], allocators[b], a in LEARNERS) for b in allocators if b != a} for a in allocators
    }
    return {
        "scenario": {},
        "slots": 500,
        "seeds": 4,
        "seed": 3,
        "optimum": {"cost": best[4], "relative_gap": 3e-6},
        "allocators": allocators,
        "paired": paired,
        "notes": [
            "95 % intervals over 4 training seeds are percentile bootstrap; about 80 % coverage",
            "ppo breaks its limits",
        ],
        "definitions": {
            "latency_s": "sum over the UDs of sensing and synchronisation latency, capped",
            "cost": "T[n] + P of (22), with the same cap",
            "gap_to_optimum": "mean cost over the exact optimum's, less 1",
            "deadline_miss_rate": "share of UD-slots with t_dt above (1 - eta) tau",
        },
    }


def curves(seeds: int, diverge: bool) -> list[dict]:
    rng = np.random.default_rng(7)
    rows = []
    for name, _, _, latency, cost, learns in SCHEMES:
        for seed in range(seeds) if learns else ():
            ends = (cost if diverge or name != "sac-paper" else 130.0) * (1 + 0.01 * rng.normal())
            for slot in SLOTS:
                share = slot / SLOTS[-1]
                # Noise dies with training, so that a healthy curve never rises a tenth above its best.
                value = ends + (255 - ends) * np.exp(-9 * share) * (1 + 0.06 * rng.normal())
                if diverge and name == "sac-paper":
                    value = 235 - 105 * np.exp(-(((share - 0.3) / 0.18) ** 2)) + 6 * rng.normal()
                rows.append(
                    {
                        "scheme": name,
                        "seed": seed,
                        "slots": slot,
                        "cost": value,
                        "latency_s": latency * value / cost,
                        "training_reward": -1.1 * value if slot else float("nan"),
                    }
                )
    return rows


def manifest(seeds: int) -> dict:
    schemes = []
    for name, label, group, *_ in SCHEMES:
        schemes.append({"name": name, "label": label, "group": group, "settings": {}, "deviations": []})
        schemes[-1]["description"] = f"{label}, as the benchmark of the same name."
    schemes[0]["settings"] = {"discount": 0.0, "learning_rate": 1e-3, "width": 64, "critic": "sum over devices"}
    schemes[0]["deviations"] = [
        {"setting": "discount", "paper": "0.99", "here": "0", "reason": "Actions never change later slots."},
        {"setting": "learning rate", "paper": "1e-4", "here": "1e-3", "reason": "Ten times fewer slots are spent."},
        {"setting": "critic", "paper": "flat", "here": "sum over devices", "reason": "The cost is a sum over UDs."},
    ]
    schemes[3]["deviations"] = schemes[0]["deviations"][:1]
    schemes[1]["settings"] = {"discount": 0.99, "learning_rate": 1e-4, "width": 256, "critic": "flat"}
    return {
        "command": "twinsync reproduce --budget quick --seed 3 --out runs/quick",
        "budget": "quick",
        "budget_note": "20,000 of Table III's 100,000 slots, 3 seeds, width 64 where the paper's is not given.",
        "seed": 3,
        "scenario": {"name": "paper", "overrides": ["path_loss_exponent=2.5"]},
        "versions": {"twinsync": "0.1.0", "jax": "0.10.2", "python": "3.11.2"},
        "device": "cpu",
        "machine": "x86_64, 2 cores",
        "git_revision": "0a841f0",
        "started": "2026-01-05T10:00:00+00:00",
        "timings_s": {"train": 402.3, "evaluate": 31.0, "solve": 22.5},
        "total_s": 455.8,
        "schemes": schemes,
        "evaluation": {"slots": 2000, "seeds": seeds},
        "headline": {"learner": "sac-tuned", "benchmarks": ["ppo", "without-sc", "random-strategy"]},
    }


def constant(key: str, symbol: str, value: object, unit: str, tag: str, source: str) -> dict:
    text = f"{value} {unit}".strip()
    meaning = key.replace("_", " ")
    row = {"key": key, "symbol": symbol, "value": value, "text": text, "unit": unit, "tag": tag, "source": source}
    return {**row, "meaning": meaning, "bound": "(0, inf)"}


SCENARIO = [
    constant("device_count", "K", 6, "", "stated", "Section V"),
    constant("slot_count", "N", 25, "", "stated", "Section V"),
    constant("cycle_s", "T", 30.0, "s", "stated", "Section V"),
    constant("sensing_share", "eta", 0.25, "", "stated", "Section V"),
    constant("sensing_rate_bps", "v_s", None, "bit/s", "derived", "missing; D_max/(eta tau) is the least"),
    constant("extraction_factor_min", "phi_min", 0.3, "", "assumed", "missing; Fig. 6 sweeps it up to 1"),
    constant("path_loss_exponent", "alpha_3", 2.5, "", "assumed", "missing; eq. (10) prints d^{+alpha_3} <sic>"),
    constant("energy_budget_j", "E_max", 0.5, "J", "stated", "Table II"),
    constant("bandwidth_hz", "B", 2e5, "Hz", "stated", "Table II"),
]
LEARNING = [
    constant("learning_rate", "lr", 1e-4, "", "stated", "Table III"),
    constant("width", "", 256, "", "assumed", "missing; two hidden layers are printed, no width"),
]


def _write_run(folder: Path, *, seeds: int = 4, diverge: bool = True) -> Path:
    """Write the raw files of a run; with `diverge` SAC at the paper's settings first learns, then falls apart."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("manifest.json", manifest(seeds)),
        ("scenario.json", SCENARIO),
        ("learning.json", LEARNING),
        ("evaluation.json", evaluation()),
    ):
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    rows = curves(seeds, diverge)
    with (folder / "convergence.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """Writes the raw files of a made-up run into a folder: `write_run(folder, seeds=4, diverge=True)`."""
    return _write_run


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A made-up run in which SAC at the paper's settings falls apart."""
    return _write_run(tmp_path / "run")
