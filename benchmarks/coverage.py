"""Coverage of 95 % intervals over few units: `python -m benchmarks.coverage [--out FILE]`.

Compares Student's t (used by `experiments.statistics`), the percentile bootstrap and BCa on the same simulated units,
normal and skewed, for a mean and for the ratio of two paired means. A second table has the ratio of the means of
unequal numbers of units, which are independent: its interval is Welch's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap

from twinsync.experiments.statistics import interval

COUNTS = (3, 5, 10)
REPETITIONS = 2_000
RESAMPLES = 1_000
UNEQUAL = (2, 5)  # training seeds at the ends of an axis and at the preset
WIDER = (1.0, 2.0, 3.0)  # standard deviation of the fewer units over that of the more

Draw = Callable[[np.random.Generator, int], np.ndarray]
# Units of mean 1: normal with a standard deviation of 0.1, and skewed, like costs if some seeds end badly.
LAWS: dict[str, Draw] = {
    "normal": lambda generator, count: 1.0 + 0.1 * generator.standard_normal(count),
    "skewed (log-normal)": lambda generator, count: np.exp(0.5 * generator.standard_normal(count)) / np.exp(0.125),
}


def main(arguments: list[str] | None = None) -> None:
    """Simulate; print a Markdown table, and write it to --out if given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, help="write the table here too")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    args = parser.parse_args(arguments)
    lines = [
        "| Units | Law | Statistic | Student's t | Percentile bootstrap | BCa |",
        "|---:|:---|:---|---:|---:|---:|",
    ]
    for count in COUNTS:
        for law in LAWS:
            for statistic in ("mean", "ratio"):
                shares = coverage(law, count, statistic, args.repetitions)
                cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
                lines.append(f"| {count} | {law} | {statistic} | {cells} |")
    fewer, more = UNEQUAL
    lines += ["", f"| Standard deviation of the {fewer} over that of the {more} | Welch's t |", "|---:|---:|"]
    lines += [f"| {wider:g} | {100 * unequal(wider, args.repetitions):.1f} % |" for wider in WIDER]
    print("\n".join(lines))
    if args.out is not None:
        args.out.write_text("\n".join(lines) + "\n", "utf-8")


def coverage(law: str, count: int, statistic: str, repetitions: int) -> tuple[float, float, float]:
    """Share of repetitions in which each method's interval contains the true value, which is 1 for both statistics."""
    generator = np.random.default_rng([count, repetitions, list(LAWS).index(law)])
    covered = np.zeros(3)
    for _ in range(repetitions):
        units = LAWS[law](generator, count)
        other = LAWS[law](generator, count) if statistic == "ratio" else np.ones(count)
        ours = interval(lambda x, y: x / y, units, other)
        ends = [(ours.low, ours.high)]
        for method in ("percentile", "BCa"):
            found = bootstrap(
                (units, other), lambda x, y, axis: x.mean(axis=axis) / y.mean(axis=axis), paired=True,
                vectorized=True, n_resamples=RESAMPLES, method=method, rng=generator,
            ).confidence_interval  # fmt: skip
            ends.append((found.low, found.high))
        covered += [low <= 1.0 <= high for low, high in ends]
    a, b, c = covered / repetitions
    return a, b, c


def unequal(wider: float, repetitions: int) -> float:
    """Share of repetitions in which the interval of a ratio of independent means contains the true value, 1."""
    generator = np.random.default_rng([*UNEQUAL, repetitions, int(wider)])
    covered = 0
    for _ in range(repetitions):
        fewer, more = (
            1.0 + scale * generator.standard_normal(count)
            for scale, count in zip((0.05 * wider, 0.05), UNEQUAL, strict=True)
        )
        found = interval(lambda x, y: x / y, fewer, more)
        covered += found.low <= 1.0 <= found.high
    return covered / repetitions


if __name__ == "__main__":
    main()
