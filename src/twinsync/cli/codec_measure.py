"""`twinsync codec evaluate` and `calibrate`: what the codec reaches, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinsync.cli.clips import (
    EveryOption,
    FirstOption,
    FramesOption,
    InputOption,
    PriorityOption,
    StartOption,
    TablesOption,
    factor_from,
    filling,
    read_clip,
    read_tables,
)
from twinsync.cli.options import (
    ClockOption,
    JsonOption,
    SeedOption,
    check_different,
    check_json_target,
    check_new_file,
    command_line,
    find_clock_hz,
    number,
    progress,
    say,
    show,
    whole_number,
    write_json,
    writing,
)
from twinsync.errors import InputError
from twinsync.writing import whole_file

if TYPE_CHECKING:
    import numpy as np

    from twinsync.codec.evaluation import FactorResult, Setting


def evaluate(
    source: InputOption = None,
    factors: Annotated[
        list[float] | None,
        typer.Option("--phi", metavar="X", parser=factor_from, help="Extraction factor; repeatable."),
    ] = None,
    priority: PriorityOption = "picture",
    first_phi: FirstOption = 1.0,
    every: EveryOption = 1,
    start: StartOption = 0,
    most: FramesOption = None,
    lose: Annotated[
        float,
        typer.Option(
            "--lose", metavar="X", parser=number(0.0, 0.95, "a share"), help="Share of slots whose stream is lost."
        ),
    ] = 0.0,
    age: Annotated[
        int, typer.Option("--age", metavar="N", parser=whole_number(1, 30), help="Slots that a reference is old.")
    ] = 1,
    noise: Annotated[
        float,
        typer.Option(
            "--noise",
            metavar="S",
            parser=number(0.0, 64.0, "a deviation", " grey levels"),
            help="Sensor noise added, rms in grey levels.",
        ),
    ] = 0.0,
    seed: SeedOption = 0,
    tables: TablesOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Also write a report with both priorities there; must not exist yet."
        ),
    ] = None,
    json_target: JsonOption = None,
) -> None:
    """Rate, PSNR, F1 of the moving map and processor time, every frame at exactly phi, beside JPEG and WebP."""
    import numpy as np

    from twinsync.codec.evaluation import FACTORS, Setting, evaluate_clip, with_noise
    from twinsync.codec.results import evaluation_json, evaluation_table

    check_json_target(json_target)
    clip = np.stack(list(read_clip(source, every, start, most)))
    if len(clip) < 2:
        raise InputError("one frame is no clip: the first is where the twin starts; give at least two")
    lost = np.random.default_rng(seed).random(len(clip)) < lose
    if lost[age:].all():
        raise InputError(f"--lose {lose:g}, --age {age}: no frame is left to measure; give more frames or lose fewer")
    if noise:
        clip = with_noise(clip, noise, seed)
    setting = Setting(first_phi, priority, age, lambda place: bool(lost[place]), read_tables(tables))
    chosen = sorted(set(factors or FACTORS))
    if out is not None:
        with filling(out):
            words = _said(source, clip, every, start), _conditions(noise, lose, seed)
            results = _report(clip, chosen, setting, out, *words)
    else:
        with progress() as report:
            results = evaluate_clip(clip, chosen, setting, progress=report)
    if json_target is not None:
        write_json(json_target, evaluation_json(results))
        return
    show(evaluation_table(results))


def _said(source: Path | None, clip: np.ndarray, every: int, start: int) -> str:
    name = "the sample" if source is None else source.name
    height, width = clip.shape[1:]
    taken = "" if every == 1 else f"one in {every} "
    return f"{len(clip)} frames of {name}, {taken}from frame {start} on, {width} x {height}"


def _conditions(noise: float, lose: float, seed: int) -> str:
    added = f" Gaussian noise of {noise:g} grey levels rms is added to every frame (seed {seed})." if noise else ""
    return added + (f" A share of {lose:g} of the slots is lost (seed {seed})." if lose else "")


def _report(
    clip: np.ndarray, factors: list[float], setting: Setting, out: Path, words: str, added: str
) -> list[FactorResult]:
    """Measure both priorities and write the report; the results at the setting's own priority."""
    from dataclasses import replace

    from twinsync.codec.evaluation import PRIORITIES, busiest_frame, evaluate_clip
    from twinsync.codec.results import evaluation_json
    from twinsync.experiments.codec_report import write_codec_report
    from twinsync.experiments.figures.coding import Evaluation

    shown = busiest_frame(clip, setting)
    results = {}
    with progress() as report:
        for priority in PRIORITIES:
            one = replace(setting, priority=priority)
            results[priority] = evaluate_clip(clip, factors, one, priority == "picture", shown, report)
    first = results["picture"][0].first_psnr_db
    known = "exactly" if first == float("inf") else f"at {first:.1f} dB"
    slots = "one slot" if setting.age == 1 else f"{setting.age} slots"
    conditions = f"The first frame is known {known}; references are {slots} old.{added}"
    evaluation = Evaluation(words, conditions, command_line(), results["picture"], results["task"], clip[shown])
    for priority in PRIORITIES:
        write_json(str(out / f"{priority}_first.json"), evaluation_json(results[priority]))
    say(f"wrote {write_codec_report(out, evaluation)}")
    return results[setting.priority]


def calibrate(
    out: Annotated[Path, typer.Option("--out", metavar="FILE.toml", help="New scenario file.")],
    source: InputOption = None,
    every: EveryOption = 1,
    start: StartOption = 0,
    most: FramesOption = None,
    clock_ghz: ClockOption = None,
    least_psnr_db: Annotated[
        float,
        typer.Option(
            "--least-psnr",
            metavar="DB",
            parser=number(1.0, 98.0, "a PSNR", " dB"),
            help="Accuracy that sets the least extraction factor.",
        ),
    ] = 40.0,
    json_target: JsonOption = None,
) -> None:
    """Measure cycles per bit and accuracy over phi on this machine; write what the data support as a scenario."""
    import platform

    import numpy as np

    from twinsync.codec import calibration
    from twinsync.codec.results import calibration_json, calibration_tables

    check_json_target(json_target)
    check_new_file(out)
    check_different("--out", out, json_target)
    clock_hz = find_clock_hz(clock_ghz)
    frames = np.stack(list(read_clip(source, every, start, most)))
    if len(frames) < 3:
        raise InputError(f"{len(frames)} frames are too few to calibrate on; give at least 3")
    with progress() as report:
        accuracy = calibration.measure_accuracy(frames, progress=report)
        phi_min = calibration.least_factor(accuracy, least_psnr_db)  # may fail: before the minutes of timing
        cost = calibration.measure_cost(frames, clock_hz, progress=report)
    laws = calibration.fit_laws(cost)
    clip = f"{len(frames)} frames of {'the sample' if source is None else source.name}"
    machine = f"{platform.machine()}, Python {platform.python_version()}, {clip}"
    text = calibration.scenario_text(cost, laws, phi_min, least_psnr_db, machine, accuracy)
    with writing(out), whole_file(out, new=True) as partial:
        partial.write_text(text, "utf-8")
    say(f"wrote {out}: law {calibration.supported(laws).name}, phi_min {phi_min:.4g}")
    if json_target is not None:
        write_json(json_target, calibration_json(cost, laws, accuracy, phi_min))
        return
    for table in calibration_tables(cost, laws, accuracy):
        show(table)
