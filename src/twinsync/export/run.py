"""Export of one policy of a training run's folder: choice of the seed, card and file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from twinsync.allocators.policy import FILE_NAME, load_policies, read_card
from twinsync.errors import InputError
from twinsync.export.card import drawn_ranges, policy_arrays, policy_card
from twinsync.export.onnx_model import onnx_bytes
from twinsync.interrupts import uninterrupted
from twinsync.learning.run import MANIFEST_FILE
from twinsync.manifest import provenance
from twinsync.runtime.files import policy_bytes, policy_of
from twinsync.scenario import Scenario, constants

SUFFIXES = (".npz", ".onnx")


class Exported(NamedTuple):
    """Result of an export: the file's card, and a sentence on which seed was exported and why."""

    card: dict[str, Any]
    choice: str


def export_run(
    run: Path, out: Path, *, seed_index: int | None = None, evaluation: Path | None = None, command: str = ""
) -> Exported:
    """Write one policy of training run `run` to the new file `out`: .npz for the runtime, or .onnx.

    seed_index: the training seed, from 0; by default the best, which is the one of least cost in `evaluation` or,
    without that, at the end of training. evaluation: a file that `twinsync evaluate --json` wrote with this run among
    its allocators. command: recorded in the card.

    Raises `InputError` for missing or damaged files, an `out` that exists or cannot be written, a seed that does not
    exist, an evaluation that does not fit the run, and weights that are not finite.
    """
    _check_target(out)
    source = read_card(run / FILE_NAME)
    policies = load_policies(run / FILE_NAME)
    manifest = _json(run / MANIFEST_FILE)
    scored = None if evaluation is None else _evaluation(evaluation, run, len(policies))
    index, choice = _choose(source, scored, len(policies), seed_index)
    policy, scenario = policies[index], source["scenario"]
    if "ranges" in source:
        ranges, ranges_from = source["ranges"], "training"
    else:
        ranges, ranges_from = drawn_ranges(policy, _scenario(scenario))
    card = policy_card(
        policy,
        scenario,
        ranges=ranges,
        ranges_from=ranges_from,
        algorithm=source.get("algorithm"),
        seed_index=index,
        seed_count=len(policies),
        chosen=choice,
        scores=_scores(source, scored, index),
        provenance={"training": manifest, "export": _lean(provenance(command, manifest.get("seed", 0)))},
    )
    arrays = policy_arrays(policy)
    try:
        runtime = policy_of(card, arrays)
    except InputError as error:
        raise InputError(f"{run / FILE_NAME}: seed {index}: {error}") from None
    _write(out, policy_bytes(card, arrays) if out.suffix == ".npz" else onnx_bytes(runtime))
    return Exported(card, choice)


def _check_target(out: Path) -> None:
    if out.suffix not in SUFFIXES:
        raise InputError(f"--out {out}: must end in {' or '.join(SUFFIXES)}")
    if out.exists():
        raise InputError(f"--out {out}: already exists; choose another name or remove it")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: folder {out.parent} does not exist; create it first")


def _write(out: Path, content: bytes) -> None:
    try:
        with uninterrupted(), out.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise InputError(f"--out {out}: already exists; choose another name or remove it") from None
    except OSError as error:
        out.unlink(missing_ok=True)
        raise InputError(f"--out {out}: cannot be written: {error.strerror}; choose another place") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: not valid JSON") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected an object, got {type(found).__name__}")
    return found


def _scenario(values: Mapping[str, Any]) -> Scenario:
    tables = {key for key, constant in constants().items() if constant.columns}
    rows = {key: tuple(tuple(row) for row in value) for key, value in values.items() if key in tables}
    return Scenario(**{**values, **rows})


def _lean(found: dict[str, Any]) -> dict[str, Any]:
    """The export's provenance without seed, device and machine, which do not matter: exporting computes little."""
    return {key: found[key] for key in ("command", "versions", "git_revision", "started")}


def _choose(
    source: Mapping[str, Any], scored: dict[str, Any] | None, count: int, wanted: int | None
) -> tuple[int, str]:
    """The index of the seed to export, and the reason as text."""
    if wanted is not None:
        if not 0 <= wanted < count:
            raise InputError(f"--seed-index {wanted}: the run has {count} training seeds, numbered from 0")
        return wanted, f"seed {wanted} of {count}, as asked for"
    if count == 1:
        return 0, "seed 0, the only one"
    costs, where = source.get("curve_cost", []), "on fixed slots at the end of training"
    if scored is not None:
        costs, where = scored["unit_cost"], "in the evaluation"
    finite = [i for i, cost in enumerate(costs) if isinstance(cost, (int, float)) and math.isfinite(cost)]
    if len(costs) != count or not finite:
        raise InputError("the run's file has no cost for each seed, by which to choose the best; give --seed-index")
    best = min(finite, key=lambda i: costs[i])
    return best, f"seed {best} of {count}, the least cost {where}: {costs[best]:.4g}"


def _evaluation(path: Path, run: Path, seeds: int) -> dict[str, Any]:
    """This run's entry in an evaluation file, with the scenario, slots and seeds that it was measured on."""
    found, name = _json(path), run.resolve().name
    entries = found.get("allocators")
    if not isinstance(entries, dict) or name not in entries:
        known = ", ".join(entries) if isinstance(entries, dict) else "none"
        raise InputError(f"{path}: no allocator {name!r}; an evaluation of this run is needed, it has {known}")
    entry = entries[name]
    measured = {"seeds": found.get("seeds"), "slots": found.get("slots"), "scenario": found.get("scenario", {})}
    try:
        per_seed = seeds if entry["unit"] == "training seed" else 1
        costs, latencies = entry["unit_cost"], entry["unit_latency_s"]
        if per_seed == 1:
            costs, latencies = [entry["cost"]["mean"]], [entry["latency_s"]["mean"]]
        gap = entry["gap_to_optimum"]
        gap_mean = None if gap is None else gap["mean"]
        measured_seeds = min(len(costs), len(latencies))
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: allocator {name!r} lacks {error}; write it with `twinsync evaluate --json`"
        ) from None
    if measured_seeds != seeds:
        raise InputError(f"{path}: {measured_seeds} training seeds of {name!r}, the run has {seeds}; evaluate it again")
    return {**measured, "unit_cost": costs, "unit_latency_s": latencies, "gap_to_optimum": gap_mean}


def _scores(source: Mapping[str, Any], scored: dict[str, Any] | None, index: int) -> dict[str, Any]:
    costs = source.get("curve_cost", [])
    scores: dict[str, Any] = {"curve_cost": costs[index] if index < len(costs) else None}
    if scored is not None:
        trained = source["scenario"]
        other = {key: value for key, value in scored["scenario"].items() if trained.get(key) not in (None, value)}
        scores["evaluation"] = {
            "cost": scored["unit_cost"][index],
            "latency_s": scored["unit_latency_s"][index],
            "gap_to_optimum_all_seeds": scored["gap_to_optimum"],
            "slots": scored["slots"],
            "sets_of_slots": scored["seeds"],
            "scenario_other_than_in_training": other,
        }
    return scores
