"""A slot as a picture or a text table: positions of the UDs, and the parts of their latency."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from twinsync.arrays import Array, Float
from twinsync.environment.gym_support import Decided
from twinsync.model import Allocation, Outcome, Slot
from twinsync.scenario import Scenario

# Okabe and Ito's colours, which colour-blind readers can distinguish; they also differ in lightness.
PARTS = (("extraction", "#0072B2"), ("uplink", "#E69F00"), ("recovery", "#009E73"))
BAD, INK, SOFT, FAINT = "#C24E00", "#222222", "#5f5f5f", "#dddddd"
MOST_DETAILED_ROWS = 10  # with more UDs there is no room below a bar for the decision
LONGEST_BAR_SLOTS = 10.0  # length at which bars of an uncapped scenario are cut; their labels are not


@dataclass(frozen=True)
class Frame:
    """Content of a picture: the slot just decided or, before any decision, the one to decide. NumPy arrays.

    slot_number: from 1. trail_m: positions in slots 1 to slot_number [m]. allocation, outcome: None before a decision.
    title: shown first, for example the allocator's name. age_s: age of each twin's newest state at the end of the slot
    [s], None to leave it out. reach_s: a latency that the axis of the bars must include [s], so that pictures shown
    together have one scale.
    """

    scenario: Scenario
    slot_number: int
    trail_m: Float[Array, "n K 2"]
    slot: Slot
    allocation: Allocation | None = None
    outcome: Outcome | None = None
    title: str = ""
    age_s: Float[Array, " K"] | None = None
    reach_s: float = 0.0

    def after(self, done: Decided) -> Frame:
        """The frame of the slot just decided."""
        trail_m = np.concatenate([self.trail_m[: int(done.n)], done.position_m[None]])
        return replace(
            self,
            slot_number=int(done.n) + 1,
            trail_m=trail_m,
            slot=done.slot,
            allocation=done.allocation,
            outcome=done.outcome,
        )


def picture(frame: Frame) -> np.ndarray:
    """The slot as an RGB image, uint8 [640, 1280, 3]: a map on the left, each UD's latency by part on the right."""
    figure = Figure(figsize=(12.8, 6.4), dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)  # not through pyplot, which would keep every figure alive
    figure.text(0.02, 0.945, _headline(frame), fontsize=15.5, color=INK, fontweight="bold")
    figure.text(0.02, 0.9, _second_line(frame), fontsize=12.5, color=SOFT)
    _draw_map(figure.add_axes((0.04, 0.115, 0.39, 0.73)), frame)
    _draw_bars(figure.add_axes((0.515, 0.115, 0.475, 0.69)), frame)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def table(frame: Frame) -> str:
    """The slot as a text table, one row per UD; the last column names broken limits."""
    lines = [_headline(frame), _second_line(frame)]
    if frame.allocation is None or frame.outcome is None:
        lines.append(" UD   dist m  data Mbit")
        rows = zip(frame.slot.distance_m, frame.slot.data_bits / 1e6, strict=True)
        return "\n".join(lines + [f"{k:3d} {d:8.1f} {bits:10.3f}" for k, (d, bits) in enumerate(rows, 1)])
    allocation, outcome = frame.allocation, frame.outcome
    lines.append(
        " UD   dist m  data Mbit   phi  f GHz   p mW  f_e GHz  extract s  uplink s  recover s  sync s  energy J"
    )
    columns = (
        (frame.slot.distance_m, "8.1f"),
        (frame.slot.data_bits / 1e6, "10.3f"),
        (allocation.extraction_factor, "5.2f"),
        (allocation.device_cpu_hz / 1e9, "6.2f"),
        (allocation.transmit_power_w * 1e3, "6.1f"),
        (allocation.edge_cpu_hz / 1e9, "8.2f"),
        (outcome.extraction_latency_s, "10.2f"),
        (outcome.uplink_latency_s, "9.2f"),
        (outcome.recovery_latency_s, "10.3f"),
        (outcome.sync_latency_s, "7.2f"),
        (outcome.energy_j, "9.2f"),
    )
    for k in range(frame.scenario.device_count):
        cells = " ".join(format(float(values[k]), form) for values, form in columns)
        lines.append(f"{k + 1:3d} {cells}  {_broken(outcome, k, amounts=True)}".rstrip())
    return "\n".join(lines)


def _headline(frame: Frame) -> str:
    n = frame.slot_number
    slot = f"{frame.title}{':   ' if frame.title else ''}Slot {n}/{frame.scenario.slot_count}"
    if frame.outcome is None:
        return f"{slot}   nothing decided yet"
    late = int((frame.outcome.violations.deadline_s > 0).sum())
    return (
        f"{slot}   T[{n}] = {float(frame.outcome.total_latency_s):.2f} s   cost = {float(frame.outcome.cost):.1f}   "
        f"{late} of {frame.scenario.device_count} UDs miss the deadline"
    )


def _second_line(frame: Frame) -> str:
    scenario, outcome = frame.scenario, frame.outcome
    if frame.allocation is None or outcome is None:
        return f"deadline {scenario.deadline_s:.3g} s, energy budget {scenario.energy_budget_j:g} J per UD and slot"
    over = int((_over_j(outcome) > 0).sum())
    asked_ghz, most_ghz = float(frame.allocation.edge_cpu_hz.sum()) / 1e9, scenario.edge_cpu_max_hz / 1e9
    return (
        f"penalty {float(outcome.penalty):.1f} of the cost   ·   {over} of {scenario.device_count} UDs above "
        f"{scenario.energy_budget_j:g} J   ·   edge CPU asked {asked_ghz:.3g} of {most_ghz:.3g} GHz"
    )


def _over_j(outcome: Outcome) -> Float[np.ndarray, " K"]:
    """Energy above the budget, rounded to two digits so that an optimum exactly at the limit does not exceed it [J]."""
    return np.round(np.asarray(outcome.violations.energy_j, float), 2)


def _broken(outcome: Outcome, k: int, *, amounts: bool) -> str:
    """The limits that UD k breaks, in words; empty if none."""
    late_s, over_j = float(outcome.violations.deadline_s[k]), float(_over_j(outcome)[k])
    words = []
    if outcome.outage[k]:
        words.append("outage")
    elif late_s > 0:
        words.append(f"late by {late_s:.2f} s" if amounts else "late")
    if over_j > 0:
        words.append(f"{over_j:.2f} J over")
    return ", ".join(words)


def _draw_map(axes: Axes, frame: Frame) -> None:
    here = np.asarray(frame.trail_m[-1])
    late = np.zeros(len(here), bool) if frame.outcome is None else frame.outcome.violations.deadline_s > 0
    seen = np.concatenate([frame.trail_m.reshape(-1, 2), np.zeros((1, 2))])
    low, high = seen.min(0), seen.max(0)
    middle, half = (low + high) / 2, 0.58 * max(*(high - low), 10.0)
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half), aspect="equal")
    _draw_rings(axes, half)
    tags = _apart(here, 0.09 * half)
    for k, trail in enumerate(frame.trail_m.swapaxes(0, 1)):
        axes.plot(*trail.T, color=SOFT, linewidth=1.2, alpha=0.6, zorder=2)
        axes.plot(*np.stack([here[k], tags[k]]).T, color=INK, linewidth=1, zorder=3)
        axes.plot(*here[k], ".", markersize=5, color=INK, zorder=3)
        face, text = (BAD, "white") if late[k] else ("white", INK)
        axes.plot(*tags[k], "s" if late[k] else "o", markersize=14, color=face, markeredgecolor=INK, zorder=4)
        axes.annotate(
            str(k + 1), tags[k], fontsize=9, color=text, ha="center", va="center_baseline", fontweight="bold", zorder=5
        )
    axes.plot(0, 0, "^", markersize=14, color=INK, zorder=3)
    axes.annotate("BS", (0, 0), (0, -17), textcoords="offset points", ha="center", fontsize=11, color=INK)
    legend = "" if frame.outcome is None else "      ○ meets the deadline   ■ misses it   ─ walked so far"
    axes.set_xlabel("x [m]" + legend, color=SOFT, fontsize=11)
    axes.set_ylabel("y [m]", color=SOFT, labelpad=0, fontsize=11)
    axes.tick_params(colors=SOFT, labelsize=10)
    for spine in axes.spines.values():
        spine.set_color(FAINT)


def _apart(points: np.ndarray, gap: float) -> np.ndarray:
    """The points [K, 2], pushed apart until any two are about `gap` apart, so that no tag hides another."""
    # Equal points need a direction in which to move apart.
    points = np.asarray(points, float) + 1e-6 * np.arange(2 * len(points)).reshape(-1, 2)
    for _ in range(200):
        offset = points[:, None] - points
        distance = np.hypot(*np.moveaxis(offset, -1, 0)) + np.diag(np.full(len(points), np.inf))
        push = np.maximum(gap - distance, 0.0) / distance
        points = points + 0.5 * (push[..., None] * offset).sum(1)
    return points


def _draw_rings(axes: Axes, half: float) -> None:
    """Circles of equal distance to the BS at round numbers of metres."""
    raw = half / 2
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * max(s for s in (1, 2, 5) if s * power <= raw)
    for radius in np.arange(1, 9) * step:
        axes.add_patch(Circle((0, 0), radius, fill=False, color=FAINT, zorder=1))
        x, y = radius * np.cos(-0.5), radius * np.sin(-0.5)
        axes.annotate(f"{radius:g} m", (x, y), fontsize=9.5, color=SOFT, ha="center", annotation_clip=True, zorder=1)


def _draw_bars(axes: Axes, frame: Frame) -> None:
    scenario, outcome, count = frame.scenario, frame.outcome, frame.scenario.device_count
    rows = np.arange(count)[::-1]
    deadline_s = float(scenario.deadline_s)
    longest_s = min(float(scenario.latency_cap_s), LONGEST_BAR_SLOTS * float(scenario.slot_s))
    drawn_s = np.zeros(count)
    if outcome is not None:
        for name, colour in PARTS:
            part_s = getattr(outcome, f"{name}_latency_s")
            length_s = np.minimum(drawn_s + part_s, longest_s) - drawn_s
            axes.barh(rows, length_s, left=drawn_s, height=0.5, color=colour, label=name)
            drawn_s = drawn_s + length_s
    size = float(np.clip(190 / count, 6, 11.5))
    reach_s = max(1.6 * deadline_s, drawn_s.max(), min(frame.reach_s, longest_s))
    width_s = reach_s / (1.0 - _room(axes, size))
    _mark(axes, deadline_s, f"deadline {deadline_s:.3g} s", "--")
    if drawn_s.max() >= longest_s:
        _mark(axes, longest_s, f"bars end at {longest_s:.3g} s", ":")
    for k, row in enumerate(rows):
        _label_bar(axes, frame, k, (float(drawn_s[k]) + 0.01 * width_s, float(row)), size)
    data = zip(frame.slot.distance_m, frame.slot.data_bits / 1e6, strict=True)
    labels = [
        f"UD {k}\n{distance_m:.1f} m\n{mbit:.2f} Mbit" if count <= MOST_DETAILED_ROWS else f"UD {k}"
        for k, (distance_m, mbit) in enumerate(data, 1)
    ]
    axes.set_yticks(rows, labels, fontsize=min(size, 10.0), color=INK)
    axes.set(xlim=(0, width_s), ylim=(-0.7, count - 0.3))
    axes.set_xlabel("synchronisation latency of the slot [s]", color=SOFT, fontsize=11)
    axes.tick_params(axis="x", colors=SOFT, labelsize=10)
    axes.tick_params(axis="y", length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(FAINT)
    if outcome is not None:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.04), ncols=3, frameon=False, fontsize=11)


def _room(axes: Axes, size: float) -> float:
    """Share of the bars' axis that the longest label beside a bar needs."""
    longest = axes.text(0, 0, "99.99 s  outage, 9.99 J over  ", fontsize=size, fontweight="bold")
    share = longest.get_window_extent().width / axes.get_window_extent().width
    longest.remove()
    return float(share)


def _mark(axes: Axes, at_s: float, text: str, line: str) -> None:
    axes.axvline(at_s, color=INK, linestyle=line, linewidth=1.5, zorder=3)
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    axes.annotate(text, (at_s, 1.0), (0, 4), ha="center", fontsize=10.5, color=INK, **place)


def _label_bar(axes: Axes, frame: Frame, k: int, end: tuple[float, float], size: float) -> None:
    """Write the UD's latency and broken limits at the end of its bar and, if there is room, its decision below."""
    allocation, outcome = frame.allocation, frame.outcome
    if allocation is None or outcome is None:
        waiting = f"{float(frame.slot.data_bits[k]) / 1e6:.2f} Mbit to synchronise"
        axes.annotate(waiting, end, va="center", fontsize=size, color=SOFT)
        return
    words = _broken(outcome, k, amounts=False)
    text, colour, weight = (words, BAD, "bold") if words else ("in time", INK, "normal")
    text = f"{float(outcome.sync_latency_s[k]):.2f} s  {text}"
    veil = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    axes.annotate(text, end, va="center", fontsize=size, color=colour, fontweight=weight, bbox=veil, zorder=4)
    if frame.scenario.device_count > MOST_DETAILED_ROWS:
        return
    decided = (
        f"φ {float(allocation.extraction_factor[k]):.2f}   f {float(allocation.device_cpu_hz[k]) / 1e9:.2f} GHz   "
        f"p {float(allocation.transmit_power_w[k]) * 1e3:.0f} mW   "
        f"fᵉ {float(allocation.edge_cpu_hz[k]) / 1e9:.2f} GHz   "
        f"{float(outcome.energy_j[k]):.2f} J"
    )
    if frame.age_s is not None:
        decided += f"   twin {float(frame.age_s[k]):.1f} s old"
    below = {"xytext": (2, 0), "textcoords": "offset points", "va": "top", "zorder": 4}
    axes.annotate(decided, (0, end[1] - 0.27), fontsize=10.8, color=SOFT, bbox=veil, **below)
