"""The codec measured as the paper's cost model needs it: cycles per raw bit over phi, the laws fitted, accuracy(phi).

The paper charges extraction C phi^-x and recovery C phi^(1-y) cycles per raw bit and measures neither. Here both are
measured on this machine and its laws fitted, with an interval from resampled repetitions, beside the constant law and
the piecewise one. `scenario_text` writes what the data support as a scenario file.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.evaluation import Setting, evaluate_clip
from twinsync.errors import InputError

FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 1.0)
AGES = (1, 2, 5, 20)
RESAMPLES = 400
PASSES = 3  # over the clip, to time it
EXACT_DB = 99.0  # what a frame without error counts as in a mean
CLEARLY_BETTER = 0.8  # a law's error over another's from which on the data are said to support it
Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Cost:
    """Processor cycles per raw bit at each factor, [factors, frames]."""

    factors: tuple[float, ...]
    encode: Float[np.ndarray, "factors frames"]
    decode: Float[np.ndarray, "factors frames"]
    clock_hz: float


@dataclasses.dataclass(frozen=True)
class Law:
    """A fitted law: parameters with 95 % intervals, and its error: root mean square of ln(measured / law)."""

    name: str
    parameters: dict[str, tuple[float, float, float]]  # value, low, high
    error: float


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Quality of decoded frames against a reference of an age in slots."""

    age: int
    extraction_factor: float
    psnr_db: float
    f1: float
    ms_ssim: float
    nmse: float  # squared error over the squared deviation of the frame's samples from their mean


def machine_clock_hz() -> float | None:
    """The processor's clock as the system tells it, None where it does not."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return None
    found = re.search(r"^cpu MHz\s*:\s*([0-9.]+)", text, re.MULTILINE)
    return 1e6 * float(found[1]) if found else None


def measure_cost(
    frames: UInt8[np.ndarray, "frames h w"],
    clock_hz: float,
    factors: Sequence[float] = FACTORS,
    progress: Progress = lambda what, done, total: None,
) -> Cost:
    """Code the clip at each factor against the frame before; processor time of each frame times the clock.

    The clip is coded `PASSES` times, and each frame's least time counts: what other programs on the machine add to one
    is no cost of the codec's.
    """
    cycles = clock_hz / (8 * frames[0].size)
    # The first encoding and decoding load or compile the kernels, which is no cost of a frame's.
    _time_clip(frames[:3], factors[0])
    times = np.full((len(factors), 2, len(frames) - 1), np.inf)
    for done, (run, row) in enumerate(itertools.product(range(PASSES), range(len(factors)))):
        progress(f"timing phi = {factors[row]:g}, pass {run + 1}", done, PASSES * len(factors))
        times[row] = np.minimum(times[row], _time_clip(frames, factors[row]))
    return Cost(tuple(factors), times[:, 0] * cycles, times[:, 1] * cycles, clock_hz)


def _time_clip(frames: UInt8[np.ndarray, "frames h w"], factor: float) -> Float[np.ndarray, "2 frames-1"]:
    """Processor time of encoding and of decoding each frame after the first [s]."""
    device, edge = CameraEncoder(), CameraDecoder()
    times = np.zeros((2, len(frames)))
    for place, frame in enumerate(frames):
        started = time.process_time()
        revision, stream = device.encode(frame, factor if place else 1.0)
        encoded = time.process_time()
        edge.decode(stream, frame.shape)
        times[:, place] = encoded - started, time.process_time() - encoded
        device.acknowledge(revision)
    return times[:, 1:]


def fit_laws(cost: Cost, seed: int = 0) -> list[Law]:
    """The power law of eqs. (7) and (14), the constant law, and straight lines between knots, each with its error."""
    random = np.random.default_rng(seed)
    count = cost.encode.shape[1]
    power, constant = [], []
    for draw in range(RESAMPLES + 1):
        chosen = np.arange(count) if draw == 0 else random.integers(count, size=count)
        means = _log_means(cost, chosen)
        power.append(_fit(means, cost.factors, power=True))
        constant.append(_fit(means, cost.factors, power=False))
    means = _log_means(cost, np.arange(count))
    names = ("cycles_per_bit", "extraction_exponent", "recovery_exponent")
    errors = [_error(means, cost.factors, fit) for fit in (power[0], constant[0])]
    return [
        Law("power", {name: _interval(np.array(power)[:, place]) for place, name in enumerate(names)}, errors[0]),
        Law("constant", {"cycles_per_bit": _interval(np.array(constant)[:, 0])}, errors[1]),
        Law("piecewise", {}, _left_out_error(means, cost.factors)),
    ]


def _log_means(cost: Cost, chosen: np.ndarray) -> Float[np.ndarray, "2 factors"]:
    return np.log(np.stack([cost.encode[:, chosen].mean(1), cost.decode[:, chosen].mean(1)]))


def _fit(means: np.ndarray, factors: Sequence[float], power: bool) -> tuple[float, float, float]:
    """C, x, y of least squares in logarithms; extraction and recovery share C, as in the paper."""
    logs = np.log(factors)
    ones, zeros = np.ones_like(logs), np.zeros_like(logs)
    if not power:
        return math.exp(means.mean()), 0.0, 1.0
    design = np.concatenate([np.stack([ones, -logs, zeros], 1), np.stack([ones, zeros, logs], 1)])
    (log_c, x, rise), *_ = np.linalg.lstsq(design, means.ravel(), rcond=None)
    return math.exp(log_c), float(x), 1.0 - float(rise)


def _error(means: np.ndarray, factors: Sequence[float], fit: tuple[float, float, float]) -> float:
    logs = np.log(factors)
    law = math.log(fit[0]) + np.stack([-fit[1] * logs, (1.0 - fit[2]) * logs])
    return float(np.sqrt(np.mean((means - law) ** 2)))


def _left_out_error(means: np.ndarray, factors: Sequence[float]) -> float:
    """Error at each inner knot of the line between its neighbours: what the law says where it was not measured."""
    logs = np.log(factors)
    errors = []
    for place in range(1, len(logs) - 1):
        share = (logs[place] - logs[place - 1]) / (logs[place + 1] - logs[place - 1])
        errors.append(means[:, place] - ((1 - share) * means[:, place - 1] + share * means[:, place + 1]))
    return float(np.sqrt(np.mean(np.square(errors))))


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return float(values[0]), float(low), float(high)


def supported(laws: Sequence[Law]) -> Law:
    """The simplest law whose error no more complicated one clearly undercuts: constant, then power, then piecewise.

    A power law with a negative exponent is left out: work that falls with phi is not eq. (7), and no scenario takes it.
    """
    by_name = {law.name: law for law in laws}
    chosen = by_name["constant"]
    for name in ("power", "piecewise"):
        if any(value < 0 for value, _, _ in by_name[name].parameters.values()):
            continue
        if by_name[name].error < CLEARLY_BETTER * chosen.error:
            chosen = by_name[name]
    return chosen


def measure_accuracy(
    frames: UInt8[np.ndarray, "frames h w"],
    factors: Sequence[float] = FACTORS,
    ages: Sequence[int] = AGES,
    progress: Progress = lambda what, done, total: None,
) -> list[Accuracy]:
    """Quality of frames coded against one `age` slots old; the first frame is known exactly, ages beyond the clip are
    left out."""
    usable = [age for age in ages if age < len(frames)]
    results = []
    for row, age in enumerate(usable):

        def tell(what: str, done: int, total: int, row: int = row, age: int = age) -> None:
            progress(f"accuracy at age {age}", row * total + done, len(usable) * total)

        for each in evaluate_clip(frames, factors, Setting(age=age), stills=False, progress=tell):
            quality = float(np.mean([min(EXACT_DB, frame.psnr_db) for frame in each.frames]))
            means = (each.mean(name) for name in ("f1", "ms_ssim", "nmse"))
            results.append(Accuracy(age, each.extraction_factor, quality, *means))
    return results


def least_factor(accuracy: Sequence[Accuracy], least_psnr_db: float) -> float:
    """The smallest phi, at age 1, whose mean PSNR reaches a bound, between measured ones by a line over ln(phi)."""
    points = sorted((each.extraction_factor, each.psnr_db) for each in accuracy if each.age == 1)
    if points[0][1] >= least_psnr_db:
        return points[0][0]
    for (low, below), (high, above) in itertools.pairwise(points):
        if above >= least_psnr_db:
            share = (least_psnr_db - below) / (above - below)
            return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    raise InputError(f"no measured phi reaches {least_psnr_db:g} dB; the best is {points[-1][1]:.1f} dB")


def scenario_text(
    cost: Cost,
    laws: Sequence[Law],
    phi_min: float,
    least_psnr_db: float,
    machine: str,
    accuracy: Sequence[Accuracy] = (),
    command: str = "twinsync codec calibrate",
) -> str:
    """A scenario file on `paper` with the measured laws, C and phi_min; `machine` says what was measured on what.

    accuracy: its PSNR at age 1 is the accuracy law, and all of its figures at age 1 are listed in comments. `command`
    is what measured it.
    """
    law, source = supported(laws), f"{command} on {machine}"
    encode, decode = cost.encode.mean(1), cost.decode.mean(1)
    cycles = law.parameters["cycles_per_bit"][0] if law.name != "piecewise" else float(encode[-1])
    lines = [
        "description = \"The paper's setting with the codec's measured cost, and phi_min from a required accuracy\"",
        'base = "paper"',
        "",
        _entry("extraction_factor_min", f"{phi_min:.4g}", f"{source}: {least_psnr_db:g} dB reached against the twin"),
        _entry("cycles_per_bit", f"{cycles:.4g}", f"{source}, clock {cost.clock_hz / 1e9:.2f} GHz"),
        _entry("workload_law", f'"{law.name}"', f"{source}: rms error {law.error:.3f} in ln(cycles)"),
    ]
    if law.name == "power":
        exponents = [law.parameters[name][0] for name in ("extraction_exponent", "recovery_exponent")]
        lines.append(_entry("extraction_exponent", f"{exponents[0]:.4g}", source))
        lines.append(_entry("recovery_exponent", f"{exponents[1]:.4g}", source))
    if law.name == "piecewise":
        rows = zip(cost.factors, encode / cycles, decode / cycles, strict=True)
        knots = ", ".join(f"[{factor:g}, {up:.4g}, {down:.4g}]" for factor, up, down in rows)
        lines.append(_entry("workload_knots", f"[{knots}]", source))
    newest = sorted((each for each in accuracy if each.age == 1), key=lambda each: each.extraction_factor)
    if newest:
        what = f"mean PSNR against a twin one slot old, an exact frame counted as {EXACT_DB:g} dB"
        lines.append(_entry("accuracy_knots", f"[{_accuracy_rows(newest)}]", f"{source}: {what}"))
        lines += ["", "# Accuracy against a reference one slot old:"]
        lines += [
            f"# phi = {each.extraction_factor:g}: PSNR {each.psnr_db:.1f} dB, MS-SSIM {each.ms_ssim:.4f}, "
            f"NMSE {each.nmse:.2g}, F1 of what moves {each.f1:.3f}"
            for each in newest
        ]
    return "\n".join(lines) + "\n"


def _accuracy_rows(accuracy: Sequence[Accuracy]) -> str:
    """phi and PSNR, the most at this phi or less: a coder that is allowed more bits may leave them unused."""
    most = itertools.accumulate((each.psnr_db for each in accuracy), max)
    return ", ".join(
        f"[{each.extraction_factor:g}, {psnr_db:.4g}]" for each, psnr_db in zip(accuracy, most, strict=True)
    )


def _entry(key: str, value: str, source: str) -> str:
    return f'{key} = {{ value = {value}, tag = "derived", source = {quoted(source)} }}'


def quoted(text: str) -> str:
    """A string as TOML has it, which escapes what JSON escapes: names of files may hold quotes and backslashes."""
    return json.dumps(text, ensure_ascii=False)
