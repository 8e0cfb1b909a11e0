"""A training run as a folder: config.json, manifest.json, curve.csv, checkpoint.npz, and at its end policy.npz."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from twinsync.allocators.policy import FILE_NAME as POLICY_FILE
from twinsync.allocators.policy import save_policies
from twinsync.errors import InputError
from twinsync.interrupts import uninterrupted
from twinsync.learning.card import plain_values, policy_card
from twinsync.learning.checkpoint import FILE_NAME as CHECKPOINT_FILE
from twinsync.learning.checkpoint import load_checkpoint, save_checkpoint
from twinsync.learning.divergence import Diverged, find_divergences
from twinsync.learning.settings import Settings, algorithm_of, check_settings, deciding
from twinsync.learning.training import CurveRow, Training, advance, check_divergence, start_training
from twinsync.manifest import provenance
from twinsync.presets import load_scenario
from twinsync.writing import whole_file

CONFIG_FILE, MANIFEST_FILE, CURVE_FILE = "config.json", "manifest.json", "curve.csv"

Progress = Callable[[str, int, int], None]  # what is being done, slots done, slots in all


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's result.

    scenario, overrides: as `presets.load_scenario` takes them. settings: the learner's. seeds: training seeds, side by
    side. seed: root seed. stretches: how often progress is saved and the curve gets a point.
    """

    scenario: str
    overrides: tuple[str, ...]
    settings: Settings
    seeds: int
    seed: int
    stretches: int = 20

    def as_json(self) -> dict[str, Any]:
        """What is written to config.json; the scenario by its values, so that a changed file is noticed."""
        values = plain_values(load_scenario(self.scenario, self.overrides))
        return json.loads(
            json.dumps(
                {
                    "scenario": {"name": self.scenario, "overrides": list(self.overrides), "values": values},
                    "algorithm": algorithm_of(self.settings),
                    "settings": deciding(self.settings),
                    "seeds": self.seeds,
                    "seed": self.seed,
                    "stretches": self.stretches,
                }
            )
        )


def train(
    config: RunConfig,
    out: Path,
    *,
    command: str = "",
    resume: bool = False,
    progress: Progress | None = None,
    stop_if_diverged: bool = True,
) -> Training:
    """Train all seeds into folder `out`, saving after every stretch; a finished run is returned as it is.

    Ctrl-C between two saves loses at most one stretch; `resume=True` continues to the result the run would have had.
    Raises `InputError` where `out` exists without `resume`, cannot be written, or holds a run of another config, and
    `Diverged` where a seed's critic or weights explode: curve and manifest then stay, and no policy is written. With
    `stop_if_diverged=False`, for comparisons that show settings as they are, the run goes on; its manifest tells which
    seeds diverged, and the policies that are still numbers are written.
    """
    scenario = load_scenario(config.scenario, config.overrides)
    check_settings(config.settings)
    _open_folder(config, out, resume)
    training = start_training(scenario, config.settings, seeds=config.seeds, seed=config.seed)
    if (out / CHECKPOINT_FILE).exists():
        load_checkpoint(out / CHECKPOINT_FILE, training)
    elif not (out / MANIFEST_FILE).exists():
        _write_json(out / MANIFEST_FILE, provenance(command, config.seed))
    total, slots = training.algorithm.settings.slots, training.algorithm.slots_per_step
    tell = progress or (lambda what, done, total: None)
    began = time.perf_counter()

    def save(now: Training) -> None:
        with uninterrupted():  # a run that is resumed after its last stretch writes no curve
            save_checkpoint(out / CHECKPOINT_FILE, now)
            write_curve(out / CURVE_FILE, now.curve)
        cost = sum(row.cost for row in now.curve[-now.seeds :]) / now.seeds
        tell(f"{out.name}: cost {cost:.1f}", now.step * slots, total)

    tell(f"{out.name}: compiling", training.step * slots, total)
    stopped = None
    try:
        if stop_if_diverged:
            check_divergence(training)
        if not training.finished:
            advance(training, config.stretches, save, stop_if_diverged=stop_if_diverged)
    except Diverged as error:
        stopped = Diverged(f"{out}: {error}; its learning curve is in {CURVE_FILE}")
    if not (out / POLICY_FILE).exists():
        card = policy_card(training, scenario)
        with uninterrupted():  # a run that has its policies is not touched again
            if stopped is None:
                _save_finite(out / POLICY_FILE, training, card)
            _close_manifest(out / MANIFEST_FILE, training, time.perf_counter() - began)
    if stopped is not None:
        raise stopped
    return training


def finite_seeds(training: Training) -> list[int]:
    """Places of the seeds whose policy's weights are all numbers."""
    return [place for place, row in enumerate(training.curve[-training.seeds :]) if math.isfinite(row.cost)]


def _save_finite(path: Path, training: Training, card: dict[str, Any]) -> None:
    kept = finite_seeds(training)
    if kept:
        policies = training.policies()
        if len(kept) < training.seeds:
            policies = jax.tree.map(lambda leaf: leaf[jnp.asarray(kept)], policies)
        save_policies(path, policies, card)


def _open_folder(config: RunConfig, out: Path, resume: bool) -> None:
    wanted, file = config.as_json(), out / CONFIG_FILE
    try:
        if out.exists() and not resume:
            raise InputError(f"{out}: already exists; add --resume to continue it, or choose another --out")
        out.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            if any(out.iterdir()):
                raise InputError(f"{out}: holds other files but no training run; choose another --out")
            _write_json(file, wanted)
            return
        text = file.read_bytes()
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None
    try:
        found = json.loads(text)
    except ValueError:
        raise InputError(f"{file}: not valid JSON; choose another --out") from None
    differing = _differing(wanted, found)
    if differing:
        raise InputError(
            f"{out}: holds a run with another {', '.join(differing)}; resume it with the command in its "
            f"{MANIFEST_FILE}, or choose another --out"
        )


def _differing(wanted: dict[str, Any], found: Any) -> list[str]:
    """Dotted names of what differs; where the algorithm does, that alone, since settings have little in common."""
    if found.get("algorithm") != wanted.get("algorithm"):
        return ["algorithm"]
    names = []
    for key in (key for key in wanted if found.get(key) != wanted[key]):
        here, there = wanted[key], found.get(key)
        both = isinstance(here, dict) and isinstance(there, dict)
        names += [f"{key}.{name}" for name in _differing(here, there)] if both else [key]
    return sorted(names)


def write_curve(path: Path, curve: list[CurveRow]) -> None:
    """A learning curve as CSV, written whole or not at all."""
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(CurveRow._fields)
        writer.writerows(curve)


def _write_json(path: Path, payload: Any) -> None:
    with whole_file(path) as partial:
        partial.write_text(json.dumps(payload, indent=2) + "\n", "utf-8")


def _close_manifest(path: Path, training: Training, seconds: float) -> None:
    """Add the time, and which seeds diverged (none: an empty list)."""
    manifest = json.loads(path.read_text("utf-8"))
    manifest["training_s"] = round(manifest.get("training_s", 0.0) + seconds, 2)
    found = find_divergences(training.curve)
    manifest["diverged"] = [{"seed": item.seed, "slots": item.slots, "reason": item.reason} for item in found]
    _write_json(path, manifest)
