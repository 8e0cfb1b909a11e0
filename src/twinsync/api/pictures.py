"""Pictures of allocators' decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twinsync.api.schemes import named_schemes
from twinsync.api.table import Table
from twinsync.errors import InputError
from twinsync.experiments.compute.policy_picture import policy_picture
from twinsync.experiments.figures.policy import HEADER, draw_policy, policy_rows
from twinsync.experiments.figures.style import look, styles
from twinsync.experiments.records import Scheme
from twinsync.scenario import Scenario

SUFFIXES = (".png", ".svg", ".pdf")


def draw_decisions(
    scenario: Scenario,
    allocators: Any,
    path: str | Path | None = None,
    *,
    seed: int = 0,
    points: int = 21,
    draws: int = 24,
) -> Table:
    """What allocators decide for one device as its distance or data size varies, the other devices staying the same.

    allocators: as in `evaluate`. path: a .png, .svg or .pdf file for a figure with one panel per decision. points:
    number of values along each axis. draws: channel draws per value, for allocators that observe the channel. Lines are
    medians and bands 10th to 90th percentiles over these draws or, for a list of policies, over the policies.

    Returns one row per allocator, axis (`distance_m` or `data_bits`), value `x` and decision, in SI units. Raises
    `InputError` for another suffix, too few points or draws, an allocator that does not fit the scenario, or a file
    that cannot be written.
    """
    target = None if path is None else Path(path)
    if target is not None and target.suffix not in SUFFIXES:
        raise InputError(f"{target}: a picture is a file in {', '.join(SUFFIXES)}")
    if points < 2 or draws < 1:
        raise InputError(f"points = {points} must be at least 2, and draws = {draws} at least 1")
    picture = policy_picture(scenario, named_schemes(allocators, scenario), seed=seed, points=points, draws=draws)
    if target is not None:
        names = dict.fromkeys(line.scheme for line in picture.lines)
        schemes = {name: Scheme(name, name, "heuristic", "", {}, ()) for name in names}
        try:
            with look():
                figure = draw_policy(picture, schemes, styles(schemes), narrow=False).figure
                figure.savefig(target, dpi=150, facecolor="white")
        except OSError as error:
            raise InputError(f"{target}: cannot be written: {error.strerror}; choose another place") from None
    return Table([dict(zip(HEADER, row, strict=True)) for row in policy_rows(picture)])
