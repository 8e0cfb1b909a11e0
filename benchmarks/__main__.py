"""Run the benchmarks and write their page: `python -m benchmarks [--only NAME,..] [--quick] --out
docs/benchmarks.md`.

Beside the page it writes the raw numbers, PAGE.json. Sections that were not run keep their content from that file, so a
long page can be made section by section with `--only`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import SECTIONS
from twinsync.manifest import provenance

# In the order of the page. A new section is a module of `benchmarks/sections` that is listed here, see `harness`.
MODULES = ("start", "learners", "quality", "simulator", "sac", "optimum", "scaling", "decision", "hybrid")


def main(arguments: list[str] | None = None) -> None:
    """Parse arguments, run the sections, write the page and the raw numbers."""
    for module in MODULES:
        importlib.import_module(f"benchmarks.sections.{module}")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks against peers.")
    parser.add_argument("--only", default=",".join(MODULES), help="sections to run, separated by commas: %(default)s")
    parser.add_argument("--quick", action="store_true", help="small sizes, to test that it runs; meaningless numbers")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"), help="the page; default %(default)s")
    args = parser.parse_args(arguments)
    names = args.only.split(",")
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        parser.error(f"unknown section {', '.join(unknown)}; there are {', '.join(MODULES)}")
    raw_path = args.out.with_suffix(".json")
    done: dict[str, Any] = json.loads(raw_path.read_text("utf-8")) if raw_path.exists() else {}
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        built = SECTIONS[name](args.quick)
        made = provenance(f"python -m benchmarks --only {name}{' --quick' * args.quick}", 0)
        made["machine"] = f"{made['machine']}, {_processor()}"
        made["versions"] |= built.versions
        done[name] = {**built.raw(), "made": made, "markdown": built.markdown()}
        args.out.parent.mkdir(parents=True, exist_ok=True)
        raw_path.write_text(json.dumps(done, indent=1) + "\n", "utf-8")
        args.out.write_text(page(done), "utf-8")
    print(args.out.read_text("utf-8"))


def page(done: dict[str, Any]) -> str:
    """The page, from the sections measured so far."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench`. Unless said otherwise, candidates take turns within one process, A B C A B C ..., after "
        "an untimed run of each, which compiles. Tables show the slowest, median and fastest repetition and the ratio "
        "of medians; above 1, ours is faster. The bar is the ratio that we set out to reach. Every repetition is in "
        "the JSON file beside this page.",
        "",
    ]
    for name in [name for name in MODULES if name in done]:
        made = done[name]["made"]
        versions = ", ".join(f"{package} {number}" for package, number in made["versions"].items())
        lines += done[name]["markdown"]
        lines += [f"`{made['command']}`, {made['started'][:10]}: {made['machine']}; {versions}.", ""]
    return "\n".join(lines)


def _processor() -> str:
    """The processor's name and the cores this process may use."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return "processor unknown"
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return f"{names[0] if names else 'processor unknown'}, {len(os.sched_getaffinity(0))} usable"


if __name__ == "__main__":
    main()
