"""The README's numbers: `python -m benchmarks.readme` writes its table from docs/results.

The schemes as printed come from `printed`, the others from `laptop`; both were evaluated on the same slots. `--check`
writes nothing and lists each number in the prose without a source. A number has a source if it is part of a text
fragment that `fragments` builds from results, scenario, settings or another page. So it finds numbers that the results
no longer support, and numbers added by hand.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from twinsync.experiments.claims.evidence import PAPER, TUNED
from twinsync.experiments.columns import compared
from twinsync.experiments.recorded import FOLDER
from twinsync.experiments.records import VariantRow
from twinsync.experiments.results import MANIFEST, SAC_AS_PRINTED, read_results
from twinsync.experiments.schemes import find_budget
from twinsync.experiments.variants import PEERS, PPO, SAC, SETTINGS, TOWARDS
from twinsync.learning.settings import SacSettings
from twinsync.model import draw_slots
from twinsync.presets import load_scenario

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results" / "laptop"
PRINTED = ROOT / "docs" / "results" / "printed"
HEADER = (
    "Scheme", "Trained on [slots]", "Latency of a slot, all UDs [s]", "Cost T + P (95 %)", "Above the optimum",
    "Above the best without channel knowledge", "UD-slots over the energy budget", "Outage",
)  # fmt: skip
# Numbers that are part of names: sections, tables, figures, equations, versions.
NAMES = re.compile(r"(Table|Section|Fig\.|equations?) [\dIV.-]+( to \d+)?|Apache-2\.0|in 15 lines|Stable-Baselines3")


def main(arguments: list[str] | None = None) -> int:
    """Write the table, or check all numbers; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readme", description="The README's numbers.")
    parser.add_argument("--check", action="store_true", help="write nothing; list numbers that no result supports")
    args = parser.parse_args(arguments)
    text = README.read_text("utf-8")
    if not args.check:
        README.write_text(with_table(text), "utf-8")
        return 0
    wrong = list(complaints(text))
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


def complaints(text: str) -> Iterator[str]:
    """One line for each wrong or unsupported number in the README."""
    if with_table(text) != text:
        yield f"the table is not that of {RESULTS.relative_to(ROOT)}/table.csv; run python -m benchmarks.readme"
    prose = prose_of(text)
    for fragment in fragments():
        if fragment not in prose:
            yield f"the results say {fragment!r}, which the README does not"
        prose = prose.replace(fragment, "")
    prose = NAMES.sub("", prose)
    for found in re.finditer(r"\d[\d.,]*", prose):
        around = prose[max(0, found.start() - 40) : found.end() + 20]
        yield f"{found[0]!r} comes from no result: ...{around}..."


def prose_of(text: str) -> str:
    """The README's text without code, tables, link targets and line breaks."""
    for pattern, left in (
        (r"```.*?```", ""),
        (r"`[^`]*`", ""),
        (r"<!--.*?-->", ""),
        (r"!?\[([^\]]*)\]\([^)]*\)", r"\1"),
    ):
        text = re.sub(pattern, left, text, flags=re.DOTALL)
    return " ".join(line for line in text.splitlines() if not line.startswith("|")).replace("  ", " ")


def with_table(text: str) -> str:
    """The README with its table rewritten from the results."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("| Scheme |"))
    last = next(i for i in range(first, len(lines)) if not lines[i].startswith("|"))
    return "\n".join([*lines[:first], *table(), *lines[last:]]) + "\n"


def table() -> list[str]:
    """The comparison as lines of Markdown, least cost first.

    Raises `ValueError` if the number of training slots of a learner is not recorded.
    """
    rows = [(row, trained) for folder in (RESULTS, PRINTED) for row, trained in _rows(folder)]
    rows.sort(key=lambda item: float(item[0]["cost_mean"]))
    cells = [HEADER, *(_cells(*item) for item in rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return [lines[0], f"|:---|{'---:|' * (len(HEADER) - 1)}", *lines[1:]]


def _rows(folder: Path) -> Iterator[tuple[dict[str, str], int | None]]:
    """Each scheme's row of a run's table, and the number of slots it was trained on.

    For the printed size only the schemes as printed, and nothing if that run is not recorded.
    """
    if folder == PRINTED and not (folder / "table.csv").exists():
        return
    trained = training_slots(folder)
    with (folder / "table.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if folder == RESULTS or row["group"] == "paper":
                yield row, trained.get(row["scheme"])


def _cells(row: dict[str, str], trained: int | None) -> tuple[str, ...]:
    def percent(key: str, digits: int) -> str:
        return f"{100 * float(row[key]):.{digits}f} %".replace("-0.0 %", "0.0 %")

    cost = "{:.1f} ({:.1f} to {:.1f})".format(*(float(row[f"cost_{part}"]) for part in ("mean", "low", "high")))
    if trained is None and row["group"] in ("fixed", "paper"):
        raise ValueError(f"{row['scheme']}: the results do not say on how many slots it was trained")
    return (
        row["label"], "" if trained is None else f"{trained:,}", f"{float(row['latency_s_mean']):.2f}", cost,
        percent("gap_to_optimum_mean", 1), percent("gap_to_expected_mean", 1), percent("energy_violation_rate", 0),
        percent("outage_rate", 1),
    )  # fmt: skip


def training_slots(folder: Path) -> dict[str, int]:
    """Number of slots that each learner was trained on, from the end of its learning curve."""
    ends: dict[str, int] = {}
    with (folder / "convergence.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            ends[row["scheme"]] = max(ends.get(row["scheme"], 0), int(float(row["slots"])))
    return ends


def fragments() -> Iterator[str]:
    """Text fragments with numbers that the README must contain, built from the numbers' sources."""
    scenario = load_scenario("paper")
    manifest = json.loads((RESULTS / "manifest.json").read_text("utf-8"))
    judged = manifest["evaluation"]
    yield f"the same {judged['slots'] * judged['seeds']:,} fresh slots"
    yield f"take Table III's {find_budget('printed').slots:,} slots"
    yield f"Table II is infeasible at K = {scenario.device_count}"
    yield f"misses the {scenario.deadline_s:g} s deadline"
    yield f"a discount factor of {SacSettings().discount:g}"
    yield f"A cycle of {scenario.slot_count} slots"
    yield "(phi = 1)"  # what the picture's upper half shows
    yield f"the radio is in use for {100 * radio_load():.0f} % of the time"
    minimum = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert minimum is not None
    yield f"Python {minimum[1]} or newer"
    yield from _as_printed()
    yield from _studied()
    yield from _of_codec()


def _as_printed() -> Iterator[str]:
    """Fragments on the paper's SAC from the recorded run of the printed size; none if there is no such run."""
    if not (FOLDER / MANIFEST).exists():
        return
    evaluation = compared(read_results(FOLDER)).evaluation
    gap = evaluation.allocators[SAC_AS_PRINTED].gap_to_optimum
    assert gap is not None
    yield "up to 13.2 %"  # the paper's abstract
    yield f"costs {100 * gap.mean:.0f} % more than the optimum"
    (repaired,) = [row for row, _ in _rows(RESULTS) if row["scheme"] == TUNED.sac]
    yield f"comes within {math.ceil(100 * float(repaired['gap_to_optimum_mean']))} %"
    for name, said in zip(PAPER.benchmarks(), ("PPO's", "the random strategy's", "w/o SC's"), strict=True):
        pair = evaluation.pair(SAC_AS_PRINTED, name)
        assert pair is not None
        yield f"{pair.latency_reduction_percent.mean:.1f} % below {said}"


def _studied() -> Iterator[str]:
    """Fragments on the recorded studies of the schemes as printed; none where there is no such study."""
    studies = read_results(FOLDER).studies if (FOLDER / MANIFEST).exists() else {}
    rows = studies[SETTINGS].rows if SETTINGS in studies else ()
    cost = {(row.role, row.change): _cost_of(row) for row in rows if row.direction == TOWARDS}
    if rows:
        moved = [f"{cost[role, '']:.0f} to {cost[role, 'discount']:.0f}" for role in (SAC, PPO)]
        yield f"takes SAC's cost from {moved[0]} and PPO's from {moved[1]}"
        yield "gamma = 0 alone"
    theirs = [_cost_of(row) for row in (studies[PEERS].rows if PEERS in studies else ()) if row.library]
    if theirs:
        yield f"cost {' and '.join(f'{each:.0f}' for each in theirs)}"


def _cost_of(row: VariantRow) -> float:
    """A variant's mean cost over its seeds; NaN if all were lost."""
    return math.nan if row.measured is None else row.measured.cost.mean


def radio_load() -> float:
    """Share of the time during which a UD sends, at the optimum, over 1,000 slots."""
    import jax

    from twinsync.allocators.optimum import solve
    from twinsync.experiments.metrics import measure

    scenario = load_scenario("paper")
    with jax.enable_x64(True):
        slots = jax.device_get(draw_slots(jax.random.key(0), scenario, 1000))
        sending_s = measure(scenario, slots, solve(scenario, slots).allocation).means["uplink_latency_s"]
    return sending_s / (scenario.device_count * scenario.slot_s)


def _of_codec() -> Iterator[str]:
    """Fragments with qualities from docs/codec.md, rounded to decibels."""
    measured = json.loads((ROOT / "docs" / "codec.json").read_text("utf-8"))
    rows = {row["phi"]: row for row in measured["quality"]["rows"]}
    yield f"{rows[0.005]['psnr_db']:.0f} dB at phi = 0.005 and {rows[0.05]['psnr_db']:.0f} dB at phi = 0.05"
    yield f"JPEG has {rows[0.05]['stills']['JPEG']:.0f} dB"
    yield f"WebP {rows[0.05]['stills']['WebP']:.0f}"


if __name__ == "__main__":
    sys.exit(main())
