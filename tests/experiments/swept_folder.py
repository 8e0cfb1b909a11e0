"""Made-up sweeps in the shape of real ones: plausible numbers, one scheme diverged at a point, one not computed."""

import json
from pathlib import Path
from typing import Any

# Mean latency, cost, energy [J] and phi of each scheme at the paper's point, and whether it learns.
BASE: dict[str, tuple[float, float, float, float, bool]] = {
    "sac-tuned": (13.90, 86.96, 3.38, 0.440, True),
    "ppo-tuned": (13.46, 88.85, 4.05, 0.445, True),
    "random-strategy": (15.91, 108.9, 3.16, 0.650, True),
    "without-sc": (20.11, 152.3, 2.45, 1.0, True),
    "gradient": (13.91, 85.52, 3.22, 0.441, True),
    "expected": (13.91, 85.52, 3.22, 0.441, False),
    "optimum": (13.79, 83.90, 3.20, 0.450, False),
    "no-semantics": (19.72, 148.0, 2.82, 1.0, False),
    "random-extraction": (15.90, 106.7, 3.06, 0.650, False),
    "equal-share": (14.46, 91.07, 3.04, 0.548, False),
}
PAPER = ["sac-tuned", "ppo-tuned", "random-strategy", "without-sc", "gradient", "expected", "optimum"]
CHEAP = ["gradient", "expected", "optimum", "no-semantics", "random-extraction", "equal-share"]
LABELS = {
    "sac-tuned": ("SAC, repaired", "fixed"),
    "ppo-tuned": ("PPO, repaired", "fixed"),
    "random-strategy": ("Random strategy, repaired", "fixed"),
    "without-sc": ("w/o SC, repaired", "fixed"),
    "gradient": ("Gradient", "fixed"),
    "expected": ("Expected optimum", "reference"),
    "optimum": ("Optimum", "reference"),
    "no-semantics": ("phi = 1, rest optimal", "reference"),
    "random-extraction": ("Random phi, rest optimal", "reference"),
    "equal-share": ("Equal share", "heuristic"),
}
UNITS = (-1.2, -0.3, 0.4, 1.1)


def spread(mean: float, share: float) -> dict[str, float]:
    low, high = sorted((mean * (1 - share), mean * (1 + 1.2 * share)))
    return {"mean": mean, "ci_low": low, "ci_high": high, "median": 0.96 * mean, "p95": 1.3 * mean}


def allocator(name: str, stretch: float, *, phi_min: float = 0.3, budget: float = 0.5) -> dict[str, Any]:
    """What an evaluation says of a scheme where latencies are `stretch` times the paper's point's."""
    latency, cost, energy, phi, learns = BASE[name]
    phi = max(phi, phi_min)
    # Schemes draw apart as the load grows.
    away = (latency / BASE["optimum"][0]) ** (0.6 + 0.4 * stretch)
    latency = BASE["optimum"][0] * away * stretch
    gap = (cost / BASE["optimum"][1]) ** (0.5 + 0.5 * stretch) - 1.0
    cost = BASE["optimum"][1] * stretch**1.2 * (1.0 + gap)
    seeds = [1 + (0.006 if learns else 0.002) * step for step in UNITS]
    return {
        "latency_s": spread(latency, 0.015 if learns else 0.003),
        "cost": spread(cost, 0.02 if learns else 0.004),
        "gap_to_optimum": spread(gap, 0.1),
        "gap_to_expected": spread(gap - 0.019, 0.1),
        "deadline_miss_rate": min(1.0, 0.95 * stretch),
        "energy_violation_rate": 0.11,
        "outage_rate": 0.004 * latency / 13,
        "age_of_information_s": 16.2,
        "jain_index": 0.96,
        "energy_j": energy * (budget / 0.5) ** 0.8,
        "extraction_factor": phi,
        "sent_bits": 7e5 * phi,
        "unit": "training seed" if learns else "evaluation seed",
        "unit_count": len(UNITS),
        "training_slots": 6_400 if learns else None,
        "unit_latency_s": [latency * seed for seed in seeds],
        "unit_cost": [cost * seed for seed in seeds],
        "latency_parts_s": {"sensing": 1.57, "extraction": 3.8, "uplink": latency - 6.5, "recovery": 1.13},
        "energy_parts_j": {"sensing": 0.04, "extraction": 2.5, "uplink": energy - 2.54},
    }


def sweep(
    name: str,
    figure: str,
    title: str,
    axis: tuple[list[str], str, str],
    schemes: list[str],
    places: list[tuple[float, str, float]],
) -> dict[str, Any]:
    """One entry of sweeps.json; `places` are x, label and how far latencies are stretched there."""
    keys, label, unit = axis
    points = [
        {
            "x": x,
            "label": text,
            "set": [f"{key}={text}" for key in keys],
            "evaluation": {
                "allocators": {
                    item: allocator(
                        item,
                        stretch,
                        phi_min=x if keys == ["extraction_factor_min"] else 0.3,
                        budget=x if keys == ["energy_budget_j"] else 0.5,
                    )
                    for item in schemes
                },
                "paired": {},
                "notes": [],
            },
            "missing": {},
        }
        for x, text, stretch in places
    ]
    return {
        "name": name,
        "figure": figure,
        "title": title,
        "axis": {"keys": keys, "label": label, "unit": unit},
        "schemes": schemes,
        "command": f"twinsync reproduce --figures {name.removeprefix('fig')} --out DIR",
        "commits": ["ba8a72912345"],
        "training_s": 1234.5,
        "points": points,
    }


def sweeps() -> dict[str, Any]:
    """Two of the paper's sweeps, three beyond, with a point that diverged and one that was not computed."""
    devices = [(float(count), str(count), count / 6) for count in (2, 4, 6, 8, 10)]
    sizes = [(0.3, "0.2 to 0.4", 0.45), (0.5, "0.4 to 0.6", 0.72), (0.7, "0.6 to 0.8", 1.0), (1.1, "1.0 to 1.2", 1.52)]
    found = [
        sweep("fig4", "Fig. 4", "Synchronisation latency against the number of UDs",
              (["device_count"], "number of UDs K", ""), PAPER, devices),
        sweep("fig5", "Fig. 5", "Synchronisation latency against the size of the sensed data",
              (["data_min_bits", "data_max_bits"], "sensed data D", "Mbit"), PAPER, sizes),
        sweep("bandwidth", "", "Synchronisation latency against the bandwidth",
              (["bandwidth_hz"], "bandwidth B", "MHz"),
              CHEAP, [(0.1, "0.1", 1.7), (0.2, "0.2", 1.0), (0.5, "0.5", 0.66), (1.0, "1", 0.55), (2.0, "2", 0.5)]),
        sweep("energy-budget", "", "Synchronisation latency against the energy budget",
              (["energy_budget_j"], "energy budget E", "J"), CHEAP,
              [(0.3, "0.3", 1.25), (0.4, "0.4", 1.1), (0.5, "0.5", 1.0), (0.7, "0.7", 0.9), (1.0, "1", 0.84)]),
        sweep("extraction-floor", "", "Synchronisation latency against the least extraction factor",
              (["extraction_factor_min"], "least extraction factor phi_min", ""), CHEAP,
              [(0.05, "0.05", 1.0), (0.3, "0.3", 1.0), (0.45, "0.45", 1.02), (0.6, "0.6", 1.1), (1.0, "1", 1.43)]),
    ]  # fmt: skip
    lost = found[0]["points"][2]["evaluation"]["allocators"]["ppo-tuned"]
    for key in ("latency_s", "cost", "gap_to_optimum"):
        lost[key] = dict.fromkeys(lost[key], None)
    last = found[0]["points"][-1]
    del last["evaluation"]["allocators"]["expected"]
    last["missing"]["expected"] = "The expected optimum was not shown to serve K = 10."
    return {"sweeps": found}


def write_sweeps(folder: Path, content: dict[str, Any] | None = None) -> None:
    """Put sweeps.json into `folder`."""
    (folder / "sweeps.json").write_text(json.dumps(content or sweeps(), indent=1), encoding="utf-8")


def manifest() -> dict[str, Any]:
    """How a command that made sweeps alone says it went."""
    return {
        "command": "twinsync reproduce --budget quick --figures 4,5 --out runs/sweeps",
        "budget": "quick",
        "budget_note": "20,480 environment slots instead of 100,000; 4 training seeds",
        "seed": 0,
        "scenario": {"name": "paper", "overrides": []},
        "versions": {"twinsync": "0.1.0", "jax": "0.10.2"},
        "device": "cpu",
        "machine": "x86_64, 2 cores",
        "git_revision": "ba8a72912345",
        "started": "2026-01-05T10:00:00+00:00",
        "timings_s": {},
        "total_s": 6172.5,
        "schemes": [
            {"name": name, "label": label, "group": group, "description": "", "settings": {}, "deviations": []}
            for name, (label, group) in LABELS.items()
        ],
    }


def write_swept(folder: Path) -> Path:
    """A folder of sweeps without a base comparison."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest()), encoding="utf-8")
    write_sweeps(folder)
    return folder


def add_sweeps(folder: Path) -> Path:
    """Sweeps beside a base comparison that is there already."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    named = {scheme["name"] for scheme in content["schemes"]}
    content["schemes"] += [scheme for scheme in manifest()["schemes"] if scheme["name"] not in named]
    path.write_text(json.dumps(content), encoding="utf-8")
    write_sweeps(folder)
    return folder
