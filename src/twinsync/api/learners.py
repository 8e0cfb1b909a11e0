"""Training, and loading of stored policies."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from twinsync.allocators.exported import SUFFIXES, exported_policy
from twinsync.allocators.policy import FILE_NAME, Policy, load_policies, read_card
from twinsync.allocators.protocol import Allocator
from twinsync.api.table import Table
from twinsync.errors import InputError
from twinsync.learning.presets import find_settings
from twinsync.learning.run import Progress, RunConfig, finite_seeds
from twinsync.learning.run import train as train_into
from twinsync.learning.settings import Settings
from twinsync.learning.training import Training, advance, start_training
from twinsync.learning.validation import override
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario, constants


class TrainedPolicies(list[Policy]):
    """The policies of a training, one per training seed. Each is an allocator; `evaluate` takes the list as one scheme.

    curve: the learning curve, one row per seed and point, with the deterministic policy's cost and latency on fixed
    slots and statistics of its training; the columns are those of `learning.training.CurveRow`.
    """

    def __init__(self, policies: Sequence[Policy], curve: Table) -> None:
        super().__init__(policies)
        self.curve = curve


def train(
    scenario: Scenario,
    algorithm: str = "gradient",
    *,
    preset: str = "tuned",
    seeds: int = 3,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> TrainedPolicies:
    """Train one policy per training seed, like `twinsync train`, in memory or into the folder `out`.

    algorithm: `gradient`, `sac` or `ppo`. preset: `tuned`, or `paper` as printed (not for `gradient`); for `gradient`
    also `csi`, whose policy observes the channel, and `general`, one policy for any K and many scenarios. seeds: number
    of training seeds. seed: root seed. settings: the learner's settings to change, for example slots=20_000,
    hidden=(64, 64). progress: called with the current activity, slots done and total slots.

    Raises `InputError` for an unknown name, an impossible setting, or
    an `out` that exists without `resume`, and its subclass `Diverged` if a critic or weights diverge.
    """
    texts = {key: ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
             for key, value in settings.items()}  # fmt: skip
    chosen = override(find_settings(algorithm, preset), texts)
    if seeds < 1:
        raise InputError(f"seeds = {seeds} must be at least 1")
    if out is None:
        training = _in_memory(scenario, chosen, seeds, seed, progress)
    else:
        config = RunConfig("paper", _overrides(scenario), chosen, seeds, seed)
        training = train_into(config, Path(out), command="twinsync.train", resume=resume, progress=progress)
    stacked = training.policies()
    return TrainedPolicies(
        [jax.tree.map(lambda leaf, place=place: leaf[place], stacked) for place in finite_seeds(training)],
        Table([row._asdict() for row in training.curve]),
    )


def load_policy(path: str | Path, *, seed_index: int | None = None) -> Allocator:
    """One policy from a training run's folder, or from a file that `twinsync export` wrote (.npz, .onnx).

    A folder has one policy per training seed; `seed_index`, from 0, selects one, by default the one with the least cost
    at the end of training. Call the policy with (scenario, sight, key), or pass it to `evaluate`. Raises `InputError`
    for any other path, a damaged file, and a `seed_index` that does not exist.
    """
    path = Path(path)
    if path.suffix in SUFFIXES and (path.name != FILE_NAME or _is_exported(path)):
        if seed_index is not None:
            raise InputError(f"seed_index = {seed_index}: {path} is one exported policy; leave seed_index out")
        return exported_policy(path)
    file = path / FILE_NAME if path.is_dir() else path
    policies, costs = load_policies(file), read_card(file).get("curve_cost", [])
    if seed_index is None:
        known = [place for place, cost in enumerate(costs) if cost is not None and math.isfinite(cost)]
        seed_index = min(known, key=lambda place: costs[place]) if len(costs) == len(policies) and known else 0
    if not 0 <= seed_index < len(policies):
        raise InputError(f"seed_index = {seed_index}: {path} has {len(policies)} policies, numbered from 0")
    return policies[seed_index]


def _is_exported(path: Path) -> bool:
    """Whether an npz file with the name of a training run's own is an exported policy; False if it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return "weight_0" in archive.files
    except (AttributeError, EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile):
        return False


def _in_memory(scenario: Scenario, settings: Settings, seeds: int, seed: int, progress: Progress | None) -> Training:
    training = start_training(scenario, settings, seeds=seeds, seed=seed)

    def report(now: Training) -> None:
        if progress is not None:
            cost = sum(row.cost for row in now.curve[-now.seeds :]) / now.seeds
            progress(f"cost {cost:.1f}", now.step * now.algorithm.slots_per_step, settings.slots)

    advance(training, report=report)
    return training


def _overrides(scenario: Scenario) -> tuple[str, ...]:
    """The `key=value` overrides that turn the preset `paper` into this scenario, for the run's config."""
    paper = load_scenario("paper")
    pairs = ((key, getattr(scenario, key)) for key in constants() if getattr(scenario, key) != getattr(paper, key))
    return tuple(f"{key}={_text(value)}" for key, value in pairs)


def _text(value: Any) -> str:
    if value is None:
        return "auto"
    if isinstance(value, tuple):
        return str([[float(number) for number in row] for row in value])
    return value if isinstance(value, str) else repr(int(value) if isinstance(value, int) else float(value))
