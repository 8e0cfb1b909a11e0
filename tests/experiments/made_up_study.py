"""Made-up studies of variants: which exchange of one setting decides, and the same settings in another library."""

from __future__ import annotations

from collections.abc import Sequence

from tests.experiments.made_up import measured

from twinsync.experiments.records import Study, VariantCurve, VariantRow
from twinsync.experiments.variants import BACK, PEERS, PPO, RANDOM, SAC, SETTINGS, TOWARDS


def variant_row(
    role: str, costs: float | Sequence[float], *, change: str = "", direction: str = TOWARDS, library: str = ""
) -> VariantRow:
    """A variant of two seeds with the same curve of ten points (a number: level), the second 2 costlier at the end."""
    curve = tuple([costs] * 10 if isinstance(costs, float) else costs)
    return VariantRow(
        scheme=f"{role}-{change}",
        label=f"{role}; {change} = 1" if change else role,
        role=role,
        direction=direction,
        change=change,
        change_label=change.replace("_", " "),
        library=library,
        training_slots=100_000,
        measured=measured(17.0, curve[-1], learns=True, unit_cost=(curve[-1], curve[-1] + 2)),
        diverged=0,
        trouble="",
        curve=VariantCurve(tuple(range(10)), (curve, curve)),
        training_s=1.0,
    )


def studies() -> dict[str, Study]:
    """The study of settings, in which the discount decides, and that of peers."""
    settings = (
        *(variant_row(role, cost) for role, cost in ((SAC, 130.0), (PPO, 175.0), (RANDOM, 148.0))),
        *(variant_row(role, cost, change="discount") for role, cost in ((SAC, 115.0), (PPO, 120.0), (RANDOM, 140.0))),
        variant_row(SAC, 149.0, change="reward_scale"),
        variant_row(SAC, 87.0, direction=BACK),
        variant_row(SAC, 109.0, change="discount", direction=BACK),
    )
    peers = (
        variant_row(SAC, 130.0),
        variant_row(SAC, 131.0, library="sb3"),
        variant_row(PPO, 175.0),
        variant_row(PPO, 190.0, library="sb3"),
    )
    return {
        SETTINGS: Study("reproduce --figures settings", settings, ()),
        PEERS: Study("reproduce --figures peers", peers, ()),
    }
