"""Figures that take no time, for tests of all of a report but its pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.experiments.report.page import DOT

from twinsync.experiments import figures
from twinsync.experiments.figures.chart import Drawn, FigurePlan
from twinsync.experiments.figures.style import write_csv


def draw_nothing(patch: pytest.MonkeyPatch, but: str = "") -> None:
    """Have every figure but one, if named, be its data and a dot."""
    drawn = figures.write

    def write(plan: FigurePlan, folder: Path) -> Drawn:
        if plan.name == but:
            return drawn(plan, folder)
        write_csv(folder / f"{plan.name}.csv", plan.header, plan.rows)
        for kind in ("pdf", "png", "svg"):
            (folder / f"{plan.name}.{kind}").write_text(DOT, "utf-8")
        return Drawn(plan.name, DOT, DOT)

    patch.setattr(figures, "write", write)
