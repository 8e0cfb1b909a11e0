"""Records a finished run: `python -m benchmarks.record RUN [--as NAME]`.

The report, its figures and raw files go to docs/results/NAME. For a run of budget `printed`, two further copies avoid
computing it again: its results, in compact form, beside the report, which `cp -r
docs/results/printed/{config.json,results} RUN/` restores for `twinsync reproduce --budget printed --resume --out RUN`;
and its raw files in the package, from which reports of smaller budgets show it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
from pathlib import Path

from twinsync.experiments.compute.store import from_bytes, to_bytes
from twinsync.experiments.plan import Plan, read_plan
from twinsync.experiments.recorded import FOLDER
from twinsync.experiments.reproduce import PLAN, RESULTS
from twinsync.experiments.results import CLAIMS, CONVERGENCE, EVALUATION, LEARNING, MANIFEST, SCENARIO, STUDIES, SWEEPS
from twinsync.storage import CONFIG

RAW = (MANIFEST, SCENARIO, LEARNING, EVALUATION, SWEEPS, STUDIES)
DOCS = Path("docs/results")
_SHOWN = ("report.html", "table.csv", CLAIMS, CONVERGENCE, MANIFEST)


def main(arguments: list[str] | None = None) -> None:
    """Parse arguments and copy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record", description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a finished `twinsync reproduce`")
    parser.add_argument("--as", dest="name", help="name in docs/results; by default the run's budget")
    args = parser.parse_args(arguments)
    try:
        manifest = json.loads((args.run / MANIFEST).read_text("utf-8"))
    except OSError as error:
        parser.error(f"{args.run / MANIFEST}: {error.strerror}; give the folder of a finished `twinsync reproduce`")
    counts = manifest["results"]
    if counts["computed"] < counts["planned"]:
        parser.error(
            f"{args.run}: {counts['computed']} of {counts['planned']} results have been computed; finish the run with "
            "twinsync reproduce --resume"
        )
    shown = DOCS / (args.name or manifest["budget"])
    printed = manifest["budget"] == "printed"
    plan = read_plan(args.run / PLAN)[0] if printed else None
    show(args.run, shown)
    if plan is not None:
        shutil.copy(args.run / CONFIG, shown / CONFIG)
        keep_results(args.run / RESULTS, shown / RESULTS, plan)
        ship(args.run, FOLDER)
    print(shown)


def show(run: Path, target: Path) -> None:
    """Copy the report and its figures."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target / "figures", ignore_errors=True)
    shutil.copytree(run / "figures", target / "figures")
    for name in _SHOWN:
        if (run / name).exists():
            shutil.copy(run / name, target / name)
    shutil.copy(run / "report.md", target / "index.md")


def keep_results(results: Path, target: Path, plan: Plan) -> None:
    """Copy the results of learners in compact form; other results can be recomputed in minutes.

    Policies are kept only for the comparison, in half precision. What an earlier run had and this one has not goes,
    and so do results that are not of the plan.
    """
    target.mkdir(parents=True, exist_ok=True)
    kept, planned = set(), {cell.address for cell in plan.cells()}
    compared = {cell.address for cell in plan.compared_cells()}
    for path in sorted(path for path in results.glob("*.npz") if ".partial" not in path.name):
        result = from_bytes(path.read_bytes())
        if not result.curve or path.stem not in planned:
            continue
        if path.stem not in compared:
            result = dataclasses.replace(result, weights=(), card=None)
        kept.add(path.name)
        (target / path.name).write_bytes(to_bytes(result, compact=True))
    for path in target.glob("*.npz"):
        if path.name not in kept:
            path.unlink()


def ship(run: Path, target: Path) -> None:
    """Copy the raw files that a report needs into the package, without spaces."""
    target.mkdir(parents=True, exist_ok=True)
    for name in RAW:
        if (run / name).exists():
            content = json.loads((run / name).read_text("utf-8"))
            (target / name).write_text(json.dumps(content, separators=(",", ":")) + "\n", "utf-8")
        else:
            (target / name).unlink(missing_ok=True)
    shutil.copy(run / CONVERGENCE, target / CONVERGENCE)


if __name__ == "__main__":
    main()
