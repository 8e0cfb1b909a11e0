"""The page that `benchmarks.measured` writes: tables of its numbers, and conclusions."""

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

- Cycles are processor time times the clock frequency that the system reports, on one core of a shared virtual machine,
  not on a UD's processor.
- The accuracy is that of one clip: a static camera, already compressed. Noise or a moving camera needs more bits, see
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
reaches 40 dB when coded against the twin. It also has the codec's law of accuracy, PSNR over phi. All else is the same.
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
In the paper's law the work rises as phi falls, as phi^-1.2: sending less costs more computing. **As measured, the work
of extraction falls as phi falls** wherever the codec loses information (0.005 to 0.2): fewer decisions are coded. At
0.4 and 1, samples are coded exactly, without a search, with the least work of all. A power law fits badly (x = {x};
y = {y}; error {power:.2f} in ln(cycles)); straight lines between the measured points predict a
point left out with an error of {lines:.2f}, so `measured` uses those. The law is not convex in logarithms; the exact
optimum handles it by ranges of phi.

Between 0.2 and 0.4 the line is wrong. The codec switches to exact coding where the bits allow it, at a phi of about one
third, so the work jumps there: at 0.3, extraction takes more than 350 cycles per bit (`measure_cost` of
`twinsync.codec.calibration` on the sample's ten frames, beside other work), where the line has {line[0.3]:.0f}.
Of the schemes on this page, only random phi enters that range under the measured law.
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
also counts energy over the budget: the rule exceeds the budget in {over[0]:.0f} % of UD-slots (one UD in one slot),
the optimum in {over[1]:.0f} %.

- Under the paper's law the optimum misses {misses[0]:.0f} % of the deadlines of Table II. With measured cost and
  accuracy it misses {misses[1]:.1f} %, and its latency is {100 * share:.0f} % of that under the paper's law.
- **Learning hardly matters any more.** Under the paper's law the rule costs {rule[0]:.1f} % more than the
  optimum, the learned policy {learned[0]:.1f} %. Under the measured one the rule costs {rule[1]:.2g} % more, the
  learned policy {learned[1]:.2g} %: wherever the codec loses information, a smaller phi means less work and less to
  send, and what exact coding saves in work is far less than what it takes longer to send. So the least phi is best
  and there is no trade-off left to learn. Equal-share loses because it takes the middle of phi's range, not
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
The optimum minimises latency and penalties; under the measured law it takes the least phi, as with six UDs. With at
most 1 % of deadlines missed, the optimum carries {measured["optimum"]} UDs under the measured law, equal-share
{measured["equal-share"]}; under the paper's law the optimum carries {paper["optimum"]} (of the numbers tried).
"""


def _frontier(results: dict[str, Any]) -> str:
    rows = [
        [f"{each['phi_min']:g}", f"{each['psnr_db']:.1f}", f"{each['latency_s']:.3f}"] for each in results["frontier"]
    ]
    return f"""
## Latency against measured accuracy, six UDs, exact optimum

PSNR is that of the scenario's law, `accuracy_knots`: straight lines over ln(phi) between the measured points.
Calibration starts from an exact first frame; in the tables of [the codec](codec.md) the first frame is coded at
phi = 0.53, and PSNR is up to 0.11 dB lower at the same phi.

{_table(["phi_min", "PSNR [dB], reference one slot old", "latency per UD [s]"], rows)}"""
