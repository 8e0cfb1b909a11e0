"""Small multiples of the schemes' decisions for one device: each decision against distance and against data size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from twinsync.experiments.figures.chart import Chart, FigurePlan, legend
from twinsync.experiments.figures.style import Style, new_figure
from twinsync.experiments.records import PolicyLine, PolicyPicture, Scheme

POLICY = "policy"  # the figure's name
HEADER = ("scheme", "axis", "x", "decision", "median", "low", "high")
AXES = {"distance_m": ("distance d [m]", 1.0), "data_bits": ("sensed data D [Mbit]", 1e6)}
DECISIONS = {
    "extraction_factor": ("extraction factor φ", 1.0),
    "device_cpu_hz": ("device CPU f [GHz]", 1e9),
    "transmit_power_w": ("transmit power p [W]", 1.0),
    "edge_cpu_hz": ("edge CPU fᵉ [GHz]", 1e9),
}


def policy_plan(picture: PolicyPicture, schemes: Mapping[str, Scheme], styles: Mapping[str, Style]) -> FigurePlan:
    """The figure of a policy picture; `schemes` must include those of its lines."""
    return FigurePlan(
        POLICY, lambda narrow: draw_policy(picture, schemes, styles, narrow=narrow), HEADER, policy_rows(picture)
    )


def policy_rows(picture: PolicyPicture) -> list[list[object]]:
    """The figure's data in SI units, one row per line, place and decision."""
    return [
        [line.scheme, line.axis, x, decision, *(part[decision][place] for part in (line.median, line.low, line.high))]
        for line in picture.lines
        for place, x in enumerate(line.x)
        for decision in DECISIONS
    ]


def draw_policy(
    picture: PolicyPicture, schemes: Mapping[str, Scheme], styles: Mapping[str, Style], *, narrow: bool
) -> Chart:
    """A row of panels per axis and a column per decision, with shared scales; the other way round on a phone."""
    figure = new_figure(8.2 if narrow else 4.3, narrow=narrow)
    shape, own, common = ((4, 2), "col", "row") if narrow else ((2, 4), "row", "col")
    panels = figure.subplots(*shape, sharex=own, sharey=common)
    panels = panels.T if narrow else panels
    for row, axis in zip(panels, AXES, strict=True):
        for axes, part in zip(row, DECISIONS, strict=True):
            for line in picture.lines:
                if line.axis == axis:
                    _draw_line(axes, line, part, schemes[line.scheme].label, styles[line.scheme])
            axes.xaxis.set_major_locator(MaxNLocator(4))
    for column in panels.T:  # the panels of a decision share their axis, which has to fit all of them
        column[0].set_ylim(0.0, 1.06 * max(axes.dataLim.ymax for axes in column))
    _name(panels, narrow=narrow)
    legend(figure, panels[0, 0], narrow=narrow)
    return Chart(figure)


def _name(panels: np.ndarray, *, narrow: bool) -> None:
    """Label shared axes once: decisions above their column (on a phone beside their row), horizontal axes below."""
    for place, (title, _) in enumerate(DECISIONS.values()):
        if narrow:
            panels[0, place].set_ylabel(title)
        else:
            panels[0, place].set_title(title, fontsize=8.5)
    for row, (title, _) in zip(panels, AXES.values(), strict=True):
        for axes in row[-1:] if narrow else row:
            axes.set_xlabel(title)


def _draw_line(axes: Axes, line: PolicyLine, part: str, label: str, style: Style) -> None:
    x = [value / AXES[line.axis][1] for value in line.x]
    unit = DECISIONS[part][1]
    median, low, high = ([value / unit for value in values[part]] for values in (line.median, line.low, line.high))
    if any(upper > lower for lower, upper in zip(low, high, strict=True)):
        axes.fill_between(x, low, high, color=style.colour, alpha=0.12, linewidth=0)
    axes.plot(x, median, color=style.colour, linestyle=style.dash, linewidth=style.width, label=label)
