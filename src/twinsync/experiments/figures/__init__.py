"""The report's charts: drawn from a run's raw files, for a page and for a phone, with the CSV behind each."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from twinsync.experiments.figures import comparison, convergence, parts
from twinsync.experiments.figures.style import look, save, save_svg, write_csv
from twinsync.experiments.run_folder import RunFolder


@dataclass(frozen=True)
class Drawn:
    """A figure as SVG text, as wide as a page and as wide as a phone."""

    name: str
    wide_svg: str
    narrow_svg: str


_PARTS = ("scheme", "label", "part", "mean")
_FIGURES: dict[str, tuple[Callable[..., Figure], tuple[str, ...], Callable[[RunFolder], list[list[object]]]]] = {
    "fig3_convergence": (convergence.draw_convergence, tuple(convergence.HEADER), convergence.convergence_rows),
    "comparison": (comparison.draw_comparison, tuple(comparison.HEADER), comparison.comparison_rows),
    "latency_parts": (
        parts.draw_latency_parts,
        _PARTS,
        lambda run: parts.parts_rows(run, lambda row: row.latency_parts_s),
    ),
    "energy_parts": (
        parts.draw_energy_parts,
        _PARTS,
        lambda run: parts.parts_rows(run, lambda row: row.energy_parts_j),
    ),
}


def write_figures(run: RunFolder) -> dict[str, Drawn]:
    """Draw every figure into `figures/` of the run's folder as PNG, SVG and CSV; return the SVGs."""
    folder = run.path / "figures"
    folder.mkdir(exist_ok=True)
    drawn = {}
    for name, (draw, header, rows) in _FIGURES.items():
        write_csv(folder / f"{name}.csv", header, rows(run))
        with look():
            save(draw(run, narrow=False), folder, name)
            phone = io.StringIO()
            save_svg(draw(run, narrow=True), phone)
        drawn[name] = Drawn(name, (folder / f"{name}.svg").read_text("utf-8"), phone.getvalue())
    return drawn
