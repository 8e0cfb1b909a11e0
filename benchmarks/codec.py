"""The codec's page: `python -m benchmarks.codec [--only quality,clips,...] [--check]`.

Measures what docs/codec.md shows, on fetched recordings, writes the numbers to docs/codec.json, and the page's tables
from there. `--only` measures only the parts named; each part records which trained tables it was measured with.
`--check` measures nothing and exits with 1 if the page's tables differ from the file's numbers, or if a part was
measured with other trained tables than those shipped.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.codec_page import with_parts
from twinsync.codec.ends import CAMERA, SERIES
from twinsync.codec.evaluation import FACTORS, FactorResult, Setting, busiest_frame, evaluate_clip, with_noise
from twinsync.codec.sources import read_frames
from twinsync.codec.tables import shipped

DOCS = Path(__file__).parents[1] / "docs"
PAGE, RESULTS = DOCS / "codec.md", DOCS / "codec.json"
FIRST_FACTOR = 0.53  # of the street's first frame
OPTIONS = f"street --start 400 --every 12 --first-phi {FIRST_FACTOR:g}"
COMMAND = f"twinsync codec evaluate --input {OPTIONS} --out report"
SHOWN_FACTORS = (0.01, 0.05, 0.2)  # of every clip
AGED_FACTORS = (0.01, 0.02, 0.05)
LOST_FACTOR, LOST_SHARE = 0.02, 0.5
FIRST_AGED = 640  # the first frame that every age measures
AGES = (1, 2, 5, 20)
Part = dict[str, Any]


def street(start: int = 400) -> np.ndarray:
    """Frames [n, height, width] of the half of the street recording not trained on, 1.2 s apart."""
    return np.stack(list(read_frames(Path("street"), 12, start)))


def quality() -> Part:
    """The street at every factor, at both priorities; also draws the page's figures."""
    from twinsync.experiments.figures.coding import Evaluation, write_coding_figures

    clip = street()
    setting = Setting(FIRST_FACTOR)
    shown = busiest_frame(clip, setting)
    picture = evaluate_clip(clip, FACTORS, setting, shown=shown)
    task = evaluate_clip(clip, FACTORS, dataclasses.replace(setting, priority="task"), False, shown)
    drawn = DOCS / "images" / "codec"
    drawn.mkdir(exist_ok=True)
    write_coding_figures(drawn, Evaluation(OPTIONS, "", COMMAND, picture, task, clip[shown]))
    for name in ("quality", "frames"):
        (drawn / "figures" / f"coding_{name}.png").replace(DOCS / "images" / f"codec_{name}.png")
    shutil.rmtree(drawn)
    rows = [
        {
            **_means(first),
            "worst_psnr_db": min(frame.psnr_db for frame in first.frames),
            "task_f1": second.mean("f1"),
            "task_psnr_db": second.mean("psnr_db"),
            "encode_ms": 1e3 * first.median("encode_s"),
            "decode_ms": 1e3 * first.median("decode_s"),
        }
        for first, second in zip(picture, task, strict=True)
    ]
    return {"first_psnr_db": picture[0].first_psnr_db, "frames": len(picture[0].frames), "rows": rows}


def _means(result: FactorResult) -> Part:
    stills = {name: None if still is None else still.psnr_db for name, still in result.stills.items()}
    return {
        "phi": result.extraction_factor,
        "bytes": result.frames[0].wire_bytes,
        **{name: result.mean(name) for name in ("psnr_db", "ms_ssim", "f1")},
        "stills": stills,
    }


def lost() -> Part:
    """Quality with half of the slots lost: of the frames delivered, and of the same frames when none is lost."""
    clip = street()
    missing = np.random.default_rng(0).random(len(clip)) < LOST_SHARE
    (some,) = evaluate_clip(clip, [LOST_FACTOR], Setting(FIRST_FACTOR, lost=lambda place: bool(missing[place])), False)
    (none,) = evaluate_clip(clip, [LOST_FACTOR], Setting(FIRST_FACTOR), stills=False)
    delivered = {frame.frame for frame in some.frames}
    same = [frame.psnr_db for frame in none.frames if frame.frame in delivered]
    return {"frames": len(same), "psnr_db": some.mean("psnr_db"), "none_lost_psnr_db": float(np.mean(same))}


def clips() -> Part:
    """Clips on which coding against the twin wins, and on which it does not."""
    still = street()
    cases: list[tuple[str, str, np.ndarray, float]] = [
        (f"`{OPTIONS}`", "static camera, 1.2 s between frames", still, FIRST_FACTOR),
        ("the same with `--noise 2`", "sensor noise of 2 grey levels", with_noise(still, 2, 0), FIRST_FACTOR),
        ("the same with `--noise 5`", "of 5 grey levels", with_noise(still, 5, 0), FIRST_FACTOR),
        ("`bikes --frames 42`", "moving camera, 0.04 s between frames", _clip("bikes", 1, 42), 1.0),
        ("`bikes --every 6`", "the same with cuts, 0.24 s", _clip("bikes", 6), 1.0),
        ("`bikes --every 30`", "the same with cuts, 1.2 s", _clip("bikes", 30), 1.0),
        ("`tree --every 2`", "static webcam, leaves in the wind", _clip("tree", 2), 1.0),
    ]
    rows = []
    for options, about, frames, first_factor in cases:
        results = evaluate_clip(frames, SHOWN_FACTORS, Setting(first_factor))
        rows.append({"options": options, "about": about, "factors": [_means(result) for result in results]})
    return {"rows": rows}


def _clip(name: str, every: int, most: int | None = None) -> np.ndarray:
    return np.stack(list(read_frames(Path(name), every, 0, most)))


def ages() -> Part:
    """References of several ages, all measured on the same frames."""
    rows = []
    for age in AGES:
        start = FIRST_AGED - 12 * age
        results = evaluate_clip(street(start), AGED_FACTORS, Setting(FIRST_FACTOR, age=age), stills=False)
        row = {"age": age, "start": start, "psnr_db": [result.mean("psnr_db") for result in results]}
        rows.append({**row, "f1": results[0].mean("f1"), "frames": len(results[0].frames)})
    return {"rows": rows}


def peers() -> Part:
    """Other coders at the same bytes."""
    from benchmarks.codec_peers import compare

    return {"rows": [dataclasses.asdict(row) for row in compare(street(), FIRST_FACTOR)]}


def ablation() -> Part:
    """The gain of each part of the codec."""
    from benchmarks.codec_ablation import compare

    return {"rows": [[part, values] for part, values in compare(street(), FIRST_FACTOR)]}


def series() -> Part:
    """Inertial windows of people who are not in the training data."""
    from twinsync.codec.inertial import watch_windows
    from twinsync.codec.series_evaluation import evaluate_series

    recordings = watch_windows(training=False)
    return {"rows": [dataclasses.asdict(result) for result in evaluate_series(recordings)]}


def safety() -> Part:
    """Damaged streams of both kinds, and sizes of streams of random phi and D."""
    from benchmarks.codec_fuzz import count_ends
    from benchmarks.codec_sizes import check

    results: Part = {}
    for kind, rounds in ((CAMERA, 100_000), (SERIES, 20_000)):
        ends, longest_s = count_ends(kind, rounds, 0)
        results[kind] = {"rounds": rounds, "ends": ends, "longest_s": longest_s}
    return {**results, "sizes": dict(check(10_000, 0))}


PARTS: dict[str, Callable[[], Part]] = {
    part.__name__: part for part in (quality, lost, clips, ages, peers, ablation, series, safety)
}


def measured(name: str) -> Part:
    """Measure a part; the result names the trained tables used."""
    return {"tables": f"{shipped().identity:04x}", **_plain(PARTS[name]())}


def _plain(value: Any) -> Any:
    """The value with infinities (from exact frames) as null and numbers rounded to six digits; the page shows fewer."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def complaints(page: str, results: dict[str, Part]) -> Iterator[str]:
    """One line for each thing that is out of date in the page or the numbers."""
    ours = f"{shipped().identity:04x}"
    for name in PARTS:
        if name not in results:
            yield f"{name} was not measured; run python -m benchmarks.codec --only {name}"
        elif name != "series" and results[name]["tables"] != ours:  # series have tables of their own
            made = results[name]["tables"]
            yield f"{name} was measured with tables {made}, not {ours}; run python -m benchmarks.codec --only {name}"
    if with_parts(page, results) != page:
        yield "the page's tables are not those of docs/codec.json; run python -m benchmarks.codec --only ''"


def main(arguments: list[str] | None = None) -> int:
    """Parse arguments, measure part by part, write numbers and page; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.codec", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts to measure, by default all: {', '.join(PARTS)}")
    parser.add_argument("--check", action="store_true", help="measure and write nothing; list what is out of date")
    args = parser.parse_args(arguments)
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    if args.check:
        wrong = list(complaints(PAGE.read_text("utf-8"), results))
        print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
        return 1 if wrong else 0
    names = [name.strip() for name in args.only.split(",") if name.strip()]
    for name in names:
        if name not in PARTS:
            parser.error(f"--only: unknown {name!r}; give some of {', '.join(PARTS)}")
    for name in names:
        results[name] = measured(name)
        RESULTS.write_text(
            json.dumps({each: results[each] for each in PARTS if each in results}, indent=1) + "\n", "utf-8"
        )
        print(f"measured {name}", flush=True)
    PAGE.write_text(with_parts(PAGE.read_text("utf-8"), results), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
