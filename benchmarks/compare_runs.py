"""Whether two revisions computed the same numbers: `python -m benchmarks.compare_runs RUN_A RUN_B`.

Each run is a folder of `twinsync reproduce`. Every result of A is looked up in B by its address and compared number by
number, as are evaluation.json and sweeps.json. The exit status is 1 if anything is missing or differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

SUMMARIES = ("evaluation.json", "sweeps.json")
UNLIKE = ("training_s", "evaluation_s", "provenance")  # entries that may differ: times, machine and revision


def main(arguments: list[str] | None = None) -> None:
    """Compare, print each difference, then a line with their number."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare_runs", description=__doc__.partition("\n")[0])
    parser.add_argument("first", type=Path, metavar="RUN_A")
    parser.add_argument("second", type=Path, metavar="RUN_B")
    args = parser.parse_args(arguments)
    names = sorted(path.name for path in (args.first / "results").glob("*.npz"))
    if not names:
        parser.error(f"{args.first / 'results'}: holds no results")
    differences = [line for name in names for line in compare_results(args.first, args.second, name)]
    differences += [line for name in SUMMARIES for line in compare_summaries(args.first, args.second, name)]
    for line in differences:
        print(line)
    print(f"{len(names)} results and {' and '.join(SUMMARIES)} compared: {len(differences)} differences")
    sys.exit(1 if differences else 0)


def compare_results(first: Path, second: Path, name: str) -> list[str]:
    """Differences between a result of both runs, one line each: a missing file, or unequal arrays and plain values."""
    paths = [run / "results" / name for run in (first, second)]
    if not paths[1].exists():
        return [f"{name}: missing in {second}"]
    ours, theirs = (_arrays(path) for path in paths)
    plain_ours, plain_theirs = (json.loads(str(arrays.pop("result"))) for arrays in (ours, theirs))
    label = plain_ours["identity"].get("algorithm") or plain_ours["identity"].get("allocator")
    differences = [f"{name} ({label}): other arrays"] if ours.keys() != theirs.keys() else []
    for key in ours.keys() & theirs.keys():
        if not np.array_equal(ours[key], theirs[key], equal_nan=True):
            differences.append(f"{name} ({label}): {key} differs by up to {_largest(ours[key], theirs[key]):.3g}")
    for key in plain_ours.keys() - set(UNLIKE):
        if json.dumps(plain_ours[key]) != json.dumps(plain_theirs.get(key)):
            differences.append(f"{name} ({label}): {key} differs")
    return differences


def compare_summaries(first: Path, second: Path, name: str) -> list[str]:
    """Numbers that differ between a summary of both runs, one line each, by path; texts and times may differ."""
    ours, theirs = (json.loads((run / name).read_text("utf-8")) for run in (first, second))
    return list(_differences(name, ours, theirs))


def _differences(place: str, ours: Any, theirs: Any):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted((ours.keys() | theirs.keys()) - set(UNLIKE)):
            if key not in ours or key not in theirs:
                yield f"{place}: {key} is only in one"
            else:
                yield from _differences(f"{place}: {key}", ours[key], theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(f"{place}[{index}]", *pair)
    elif not isinstance(ours, str) and ours != theirs:
        yield f"{place}: {ours!r} against {theirs!r}"


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _largest(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.nanmax(np.abs(ours - theirs))) if ours.shape == theirs.shape else float("nan")


if __name__ == "__main__":
    main()
