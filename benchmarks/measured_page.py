"""The page that `benchmarks.measured` writes: its numbers as tables, and what follows from them."""

from __future__ import annotations

from typing import Any

NAMES = {
    "optimum": "optimum",
    "expected": "expected optimum",
    "gradient": "learned (gradient)",
    "bounds-rule": "rule at the bounds",
    "equal-share": "equal-share",
    "random-extraction": "random phi, the rest optimal",
    "no-semantics": "phi = 1, the rest optimal",
    "raw": "raw data",
}
UDS = 6
RULE = "bounds-rule"

LIMITS = """
## What these numbers are not

- Cycles are processor time times the clock that the system tells, of one core of a shared virtual machine, not of a
  UD's processor.
- The accuracy is of one clip: a static camera, already lossy. Noise or a moving camera need more bits, see
  [the codec](codec.md).
- A UD's D is 0.6 to 0.8 Mbit of whatever it senses; the law was measured on frames of 614,400 bit.
- First contact is sent once, at a higher phi, and is not charged here.
"""


def page(results: dict[str, Any], calibration: dict[str, Any]) -> str:
    """The whole page in Markdown."""
    parts = (_head(results), _law(results, calibration), _comparison(results), _carried(results), _frontier(results))
    return "\n".join((*parts, LIMITS))


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _head(results: dict[str, Any]) -> str:
    size = f"--slots {results['slots']} --seeds {results['seeds']} --scan-slots {results['scan_slots']}"
    paper, measured = results["phi_min"]["paper"], results["phi_min"]["measured"]
    return f"""# What the measured codec changes

Made by `python -m benchmarks.measured {size}`; every number is in
[measured.json](measured.json). The scenario `paper` has the paper's cost law and phi >= {paper:g}; the scenario
`measured` has the cost that `twinsync codec calibrate --input street --start 400 --every 12` measured (its `--json` is
[measured-calibration.json](measured-calibration.json)) and phi >= {measured:.4g}, which is where the street camera
reaches 40 dB coded against the twin. It also has the codec's law of accuracy, PSNR by phi. All else is the same.
"""


def _law(results: dict[str, Any], calibration: dict[str, Any]) -> str:
    rows = []
    line = {each["phi"]: each["extraction"] for each in results["law"]["measured"]}
    for paper, measured in zip(results["law"]["paper"], results["law"]["measured"], strict=True):
        if paper["phi"] not in calibration["extraction_factor"]:
            continue  # the law has straight lines there, nothing was measured
        cells = [f"{each[part]:,.0f}" for each in (paper, measured) for part in ("extraction", "recovery")]
        rows.append([f"{paper['phi']:g}", *cells])
    header = ["phi", "paper: extraction", "paper: recovery", "measured: extraction", "measured: recovery"]
    fits = {each["name"]: each for each in calibration["laws"]}
    x, y = (_interval(fits["power"]["parameters"][f"{part}_exponent"]) for part in ("extraction", "recovery"))
    power, lines = fits["power"]["error"], fits["piecewise"]["error"]
    return f"""
## The cost law: cycles per raw bit

{_table(header, rows)}
The paper's work rises as phi falls, phi^-1.2: sending less has to be paid with computing. **As measured, the work of
extraction falls as phi falls** wherever the codec loses information (0.005 to 0.2): fewer decisions are coded. At 0.4
and 1, samples are coded exactly, without search, at the least work of all. A power law fits badly (x = {x};
y = {y}; error {power:.2f} in ln(cycles)); lines between the measured points predict a point
left out to {lines:.2f}, so `measured` has those. The law is not convex in logarithms; the exact optimum follows it
by ranges of phi.

Between 0.2 and 0.4 the line is wrong. The codec turns to exact coding where that fits, at about a third of the raw
bits, so the work has a jump there: at 0.3, extraction takes more than 350 cycles a bit (`measure_cost` of
`twinsync.codec.calibration` on the sample's ten frames, beside other work), where the line has {line[0.3]:.0f}.
Of what this page compares, only random phi lies in that range under the measured law.
"""


def _interval(fit: list[float]) -> str:
    return f"{fit[0]:.2f}, {fit[1]:.2f} to {fit[2]:.2f}"


def _comparison(results: dict[str, Any]) -> str:
    rows = []
    for scheme, name in NAMES.items():
        cells = [name]
        for scenario in ("paper", "measured"):
            each = results["comparison"][scenario][scheme]
            cells += [
                f"{each['latency_s'] / UDS:.3f}",
                f"{100 * each['deadline_miss_rate']:.1f}",
                f"{100 * each['gap_to_optimum']:.2f}",
            ]
        rows.append(cells)
    header = ["scheme"]
    for scenario in ("paper", "measured"):
        header += [f"{scenario}: latency [s]", "missed [%]", "cost over optimum [%]"]
    paper, measured = results["comparison"]["paper"], results["comparison"]["measured"]
    misses = [100 * each["optimum"]["deadline_miss_rate"] for each in (paper, measured)]
    over = [100 * paper[name]["energy_violation_rate"] for name in (RULE, "optimum")]
    share = measured["optimum"]["latency_s"] / paper["optimum"]["latency_s"]
    rule, learned = ([100 * each[name]["gap_to_optimum"] for each in (paper, measured)] for name in (RULE, "gradient"))
    return f"""
## Six UDs: latency per UD, deadline misses, distance from the optimum

{_table(header, rows)}
The rule at the bounds takes the least phi, the highest CPU frequency and power, and equal shares of the edge CPU; it
involves no learning. Under the paper's law its latency is below the optimum's, but the optimum minimises cost, which
also counts energy over the budget: the rule exceeds the budget in {over[0]:.0f} % of all slots and UDs, the optimum
in {over[1]:.0f} %.

- Under the paper's law the optimum misses {misses[0]:.0f} % of the deadlines of Table II. With measured cost and
  accuracy it misses {misses[1]:.1f} %, and takes {100 * share:.0f} % of the latency.
- **What is learned hardly matters any more.** Under the paper's law the rule costs {rule[0]:.1f} % more than the
  optimum, the learned policy {learned[0]:.1f} %. Under the measured one the rule costs {rule[1]:.2g} % more, the
  learned policy {learned[1]:.2g} %: at every phi the codec's work takes far less time than sending, so the least phi
  is best and there is no trade-off left to learn. Equal-share loses because it takes the middle of phi's range, not
  because nobody trained it.
- The choice of phi still matters most: random phi and phi = 1 miss deadlines under both laws.
"""


def _carried(results: dict[str, Any]) -> str:
    devices = sorted({row["devices"] for row in results["carried"]["measured"]})
    rows = []
    for count in devices:
        cells = [str(count)]
        for scenario in ("paper", "measured"):
            for scheme in ("optimum", "bounds-rule", "equal-share"):
                (row,) = (
                    each
                    for each in results["carried"][scenario]
                    if each["devices"] == count and each["scheme"] == scheme
                )
                cells.append(f"{100 * row['deadline_miss_rate']:.1f}")
        rows.append(cells)
    header = ["UDs"]
    for scenario in ("paper", "measured"):
        header += [f"{scenario}: optimum", "rule", "equal-share"]
    paper, measured = results["most_carried"]["paper"], results["most_carried"]["measured"]
    return f"""
## How many UDs 0.2 MHz and 10 GHz carry: deadline misses [%]

{_table(header, rows)}
The optimum minimises latency and penalties; under the measured law phi is at its least, as it is at six UDs.
Of the numbers tried, {measured["optimum"]} UDs is the most for which at most 1 % of deadlines are missed at measured
cost ({measured["equal-share"]} with equal-share); under the paper's law it is {paper["optimum"]}.
"""


def _frontier(results: dict[str, Any]) -> str:
    rows = [
        [f"{each['phi_min']:g}", f"{each['psnr_db']:.1f}", f"{each['latency_s']:.3f}"] for each in results["frontier"]
    ]
    return f"""
## Latency against measured accuracy, six UDs, exact optimum

PSNR is that of the scenario's law, `accuracy_knots`: straight lines over ln(phi) between the measured points.
Calibration starts from an exact first frame; the tables of [the codec](codec.md) start from one coded at phi = 0.53 and
have up to 0.11 dB less at the same phi.

{_table(["phi_min", "PSNR [dB], reference one slot old", "latency per UD [s]"], rows)}"""
