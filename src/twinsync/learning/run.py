"""A training run as a folder: config.json, manifest.json, curve.csv, checkpoint.npz and, when finished, policy.npz."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.allocators.policy import FILE_NAME as POLICY_FILE
from twinsync.allocators.policy import save_policies
from twinsync.errors import DAMAGED, InputError
from twinsync.interrupts import uninterrupted
from twinsync.learning.divergence import Diverged, find_divergences
from twinsync.learning.gradient import Gradient
from twinsync.learning.settings import Settings, deciding
from twinsync.learning.training import CurveRow, Training, advance, check_divergence, start_training
from twinsync.learning.validation import check_settings
from twinsync.manifest import provenance
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario, constants
from twinsync.storage import open_folder, read_json, write_json
from twinsync.streams import root_key, stream
from twinsync.writing import whole_file

MANIFEST_FILE, CURVE_FILE, CHECKPOINT_FILE = "manifest.json", "curve.csv", "checkpoint.npz"

Progress = Callable[[str, int, int], None]  # (current activity, slots done, total slots)


@dataclass(frozen=True)
class RunConfig:
    """Everything that determines a run's result.

    scenario, overrides: as in `presets.load_scenario`. settings: the learner's. seeds: number of training seeds. seed:
    root seed. stretches: number of times that progress is saved and the curve gets a point.
    """

    scenario: str
    overrides: tuple[str, ...]
    settings: Settings
    seeds: int
    seed: int
    stretches: int = 20

    def as_json(self) -> dict[str, Any]:
        """The content of config.json; includes the scenario's values, so that a changed scenario file is noticed."""
        values = plain_values(load_scenario(self.scenario, self.overrides))
        return json.loads(
            json.dumps(
                {
                    "scenario": {"name": self.scenario, "overrides": list(self.overrides), "values": values},
                    "algorithm": self.settings.algorithm,
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
    """Train all seeds into folder `out`, saving after every stretch; a finished run is returned unchanged.

    An interruption loses at most one stretch; `resume=True` continues to the same result as an uninterrupted run.
    command: recorded in the manifest. With `stop_if_diverged=False`, for comparisons that show settings as they are, a
    diverged run continues: its manifest lists the seeds that diverged, and policies with finite weights are written.

    Raises `InputError` if `out` exists without `resume`, cannot be written, or holds a run with another config, and
    `Diverged` if a seed's critic or weights diverge: then curve and manifest are kept, but no policy is written.
    """
    scenario = load_scenario(config.scenario, config.overrides)
    check_settings(config.settings)
    with open_folder(out, config.as_json(), "training run", resume=resume):
        try:
            tell = progress or (lambda what, done, total: None)
            return _train(config, scenario, out, command, tell, stop_if_diverged)
        except OSError as error:
            raise InputError(
                f"{out}: cannot be written ({error.strerror}); what was saved is kept: fix that, then --resume"
            ) from None


def _train(
    config: RunConfig, scenario: Scenario, out: Path, command: str, tell: Progress, stop_if_diverged: bool
) -> Training:
    if (out / POLICY_FILE).exists() and not (out / CHECKPOINT_FILE).exists():
        raise InputError(
            f"{out}: the run is finished, but {CHECKPOINT_FILE}, which continuing reads, is gone; its policies can be "
            "used, and another run needs another --out"
        )
    manifest = _manifest(out / MANIFEST_FILE, command, config.seed)
    training = start_training(scenario, config.settings, seeds=config.seeds, seed=config.seed)
    if (out / CHECKPOINT_FILE).exists():
        load_checkpoint(out / CHECKPOINT_FILE, training)
    total, slots = training.algorithm.settings.slots, training.algorithm.slots_per_step
    began, began_cpu = time.perf_counter(), time.process_time()

    def spent() -> dict[str, float]:
        """Times [s], summed over resumptions."""
        now = {"training_s": time.perf_counter() - began, "training_cpu_s": time.process_time() - began_cpu}
        return {name: round(manifest.get(name, 0.0) + seconds, 2) for name, seconds in now.items()}

    def save(now: Training) -> None:
        with uninterrupted():
            save_checkpoint(out / CHECKPOINT_FILE, now)
            write_curve(out / CURVE_FILE, now.curve)
            write_json(out / MANIFEST_FILE, manifest | spent())
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
        # A run that has its policies is never changed, so they come last.
        with uninterrupted():
            write_curve(out / CURVE_FILE, training.curve)
            write_json(out / MANIFEST_FILE, manifest | spent() | {"diverged": _divergences(training)})
            if stopped is None:
                _save_finite(out / POLICY_FILE, training, card)
    if stopped is not None:
        raise stopped
    return training


def finite_seeds(training: Training) -> list[int]:
    """Indices of the seeds whose policies have finite weights."""
    return [place for place, row in enumerate(training.curve[-training.seeds :]) if math.isfinite(row.cost)]


def _save_finite(path: Path, training: Training, card: dict[str, Any]) -> None:
    kept = finite_seeds(training)
    if kept:
        policies = training.policies()
        if len(kept) < training.seeds:
            policies = jax.tree.map(lambda leaf: leaf[jnp.asarray(kept)], policies)
            card = card | {"seeds": len(kept), "curve_cost": [card["curve_cost"][place] for place in kept]}
        save_policies(path, policies, card)


def write_curve(path: Path, curve: list[CurveRow]) -> None:
    """Write a learning curve as CSV, atomically."""
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(CurveRow._fields)
        writer.writerows(curve)


def _manifest(path: Path, command: str, seed: int) -> dict[str, Any]:
    """The run's manifest, written if there is none. Raises `InputError` for a damaged one."""
    if not path.exists():
        write_json(path, provenance(command, seed))
    try:
        manifest = read_json(path)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise InputError(f"{path}: not a JSON object; remove it to have it written again")
    return manifest


def _divergences(training: Training) -> list[dict[str, Any]]:
    """The seeds that diverged, for the manifest."""
    found = find_divergences(training.curve)
    return [{"seed": item.seed, "slots": item.slots, "reason": item.reason} for item in found]


def policy_card(training: Training, scenario: Scenario) -> dict[str, Any]:
    """The card of a run's policies: how the networks are built and how they were trained; plain JSON values."""
    policies, settings = training.policies(), training.algorithm.settings
    interface = settings.interface
    return {
        "algorithm": settings.algorithm,
        "architecture": policies.network.architecture,
        "hidden": list(settings.hidden),
        "outputs": settings.policy_heads * interface.decisions,
        "standardised": policies.network.centre is not None,
        "squash": policies.squash,
        "interface": dataclasses.asdict(interface),
        "device_count": scenario.device_count,
        "scenario": plain_values(scenario),
        "seeds": training.seeds,
        "seed": training.seed,
        "curve_cost": [row.cost for row in training.curve[-training.seeds :]],
        **_ranges(training),
    }


def plain_values(scenario: Scenario) -> dict[str, Any]:
    """The scenario's values by key, without constants that affect no result."""
    return {key: getattr(scenario, key) for key, constant in constants().items() if not constant.shown_only}


def _ranges(training: Training) -> dict[str, Any]:
    """The entry `ranges` of the card: the range of each input in training. Empty except for the gradient."""
    if not isinstance(training.algorithm, Gradient):
        return {}
    return {"ranges": training.algorithm.ranges(stream(root_key(training.seed), "ranges"))}


def save_checkpoint(path: Path, training: Training) -> None:
    """Write step, curve and complete state to an npz file, atomically."""
    leaves = {f"leaf_{i}": _plain(leaf) for i, leaf in enumerate(jax.tree.leaves(training.state))}
    meta = json.dumps({"step": training.step, "curve": [list(row) for row in training.curve]})
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, meta=np.asarray(meta), **leaves)
        file.flush()
        os.fsync(file.fileno())  # without it a power cut may leave neither the new nor the old one


def load_checkpoint(path: Path, training: Training) -> None:
    """Load a saved state into `training`, which must have been started with the same settings.

    Raises `InputError` for a damaged file or one with other shapes.
    """
    leaves, structure = jax.tree.flatten(training.state)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            meta = json.loads(str(archive["meta"]))
            saved = [archive[f"leaf_{i}"] for i in range(len(archive.files) - 1)]
        step, curve = int(meta["step"]), [CurveRow(*row) for row in meta["curve"]]
    except (*DAMAGED, TypeError) as error:
        raise InputError(
            f"{path}: not a complete checkpoint ({error}); remove it to train this run from its start"
        ) from None
    if [leaf.shape for leaf in saved] != [_plain(leaf).shape for leaf in leaves]:
        raise InputError(f"{path}: checkpoint of a run of another size; remove it to train this run from its start")
    training.state = jax.tree.unflatten(structure, [_like(old, new) for old, new in zip(leaves, saved, strict=True)])
    training.step, training.curve = step, curve


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _like(old: Any, saved: np.ndarray) -> jax.Array:
    return jax.random.wrap_key_data(jnp.asarray(saved)) if _is_key(old) else jnp.asarray(saved)
