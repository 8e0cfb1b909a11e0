"""Stable-Baselines3's SAC on the same environment, with run folders like ours."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twinsync.allocators.protocol import Allocator
from twinsync.errors import InputError
from twinsync.experiments.compute import peers
from twinsync.learning.divergence import find_divergences
from twinsync.learning.run import CURVE_FILE, MANIFEST_FILE, Progress, RunConfig, write_curve
from twinsync.learning.settings import SacSettings
from twinsync.learning.training import CurveRow
from twinsync.manifest import provenance
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario
from twinsync.storage import read_json, write_json
from twinsync.writing import whole_file


def require_peer() -> None:
    """Raise `InputError` if Stable-Baselines3 is not installed."""
    if find_spec("stable_baselines3") is None:
        raise InputError("--peer sb3: Stable-Baselines3 is not installed; run: pip install stable-baselines3")


def find_peers(folder: Path, settings: SacSettings) -> list[Allocator]:
    """The policies of a finished run, one per training seed; needs Stable-Baselines3."""
    require_peer()
    from stable_baselines3 import SAC

    models = sorted(folder.glob("seed-*.zip"), key=lambda path: int(path.stem.split("-")[1]))
    return [peers.PeerPolicy(SAC.load(path, device="cpu"), settings.interface) for path in models]


def train_peer(config: RunConfig, folder: Path, *, command: str, progress: Progress) -> None:
    """Train the run's seeds one after the other; seeds that are already done are not trained again."""
    scenario = load_scenario(config.scenario, config.overrides)
    peers.check_peer(config.settings)
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [_seed(config, scenario, folder, number, progress) for number in range(config.seeds)]
    rows = sorted((CurveRow(*row) for seed in seeds for row in seed["curve"]), key=lambda row: (row.slots, row.seed))
    write_curve(folder / CURVE_FILE, rows)
    diverged = [{"seed": item.seed, "slots": item.slots, "reason": item.reason} for item in find_divergences(rows)]
    took = round(sum(seed["training_s"] for seed in seeds), 1)
    write_json(folder / MANIFEST_FILE, {**provenance(command, config.seed), "training_s": took, "diverged": diverged})


def _seed(config: RunConfig, scenario: Scenario, folder: Path, number: int, progress: Progress) -> dict[str, Any]:
    """Curve and time of a seed, kept in the folder beside its model (no model if its weights are not finite)."""
    file = folder / f"seed-{number}.json"
    if file.exists():
        return read_json(file)

    def tell(slots: int) -> None:
        progress(f"{folder.name} seed {number}", slots, config.settings.slots)

    trained = peers.train_peer(
        scenario, config.settings, seed=config.seed, number=number, stretches=config.stretches, progress=tell
    )
    if trained.policy is not None:
        trained.policy.model.save(folder / f"seed-{number}.zip")
    summary = {"training_s": trained.training_s, "curve": [list(row) for row in trained.curve]}
    with whole_file(file) as partial:
        partial.write_text(json.dumps(summary), "utf-8")  # may contain NaN; only Python reads it
    return summary
