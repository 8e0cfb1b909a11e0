"""The one text that pins a report's words: everything a report can have, from made-up results.

Written again by `python -m tests.experiments.report.golden`; read the difference before you commit it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from msgspec import structs
from tests.experiments.made_up import at_point, both, compared
from tests.experiments.made_up_study import studies

from twinsync.experiments.claims import check_claims
from twinsync.experiments.records import ClaimCheck, ResultCounts, Sensitivity, Sweep, VariedCheck
from twinsync.experiments.report.document import Document
from twinsync.experiments.report.markdown import to_markdown
from twinsync.experiments.report.sections import build
from twinsync.experiments.results import SAC_AS_PRINTED, Results

GOLDEN = Path(__file__).with_name("golden.md")

ANALYSIS = Sensitivity(
    scenario="paper",
    overrides=(),
    slots=200,
    seed=0,
    schemes=("optimum", "random-extraction", "no-semantics"),
    base=(
        ClaimCheck("fig4-rise", "holds", True, 125.1, 124.0, 126.2),
        ClaimCheck("fig5-rise", "holds", True, 12.0, 11.0, 13.0),
    ),
    rows=(
        VariedCheck(
            "fig4-rise", "does not hold", False, -3.0, -4.0, -2.0, "path_loss_exponent", "assumed", 3.5, "3.5", True
        ),
        VariedCheck("fig4-rise", "holds", True, 120.0, 119.0, 121.0, "speed_memory", "assumed", 0.99, "0.99", False),
    ),
    not_varied=(),
)


def results() -> Results:
    """A run that is not complete: a comparison, sweeps, one with a diverged seed and a held constant, and studies."""
    made = both()
    fig4, fig5, _, *others = map(shortened, made.sweeps)

    def diverged(point):
        notes = ("sac-tuned: training diverged in 1 of 4 seeds",)
        return structs.replace(point, evaluation=structs.replace(point.evaluation, notes=notes))

    held = structs.replace(at_point(fig5, 0, diverged), overrides=("sensing_rate_bps=4 Mbit/s",))
    manifest = structs.replace(made.manifest, results=ResultCounts(41, 44))
    return replace(made, manifest=manifest, sweeps=(fig4, held, *others), studies=studies())


def shortened(sweep: Sweep) -> Sweep:
    """Two points of a sweep, which show its words as well as all."""
    return structs.replace(sweep, points=sweep.points[::2][-2:])


def record() -> Results:
    """A run of the schemes as printed, with one of the paper's figures."""
    made = compared()
    schemes = tuple(
        structs.replace(scheme, settings={"slots": 100_000, "hidden": [256, 256]}) if scheme.name == SAC_AS_PRINTED
        else scheme
        for scheme in made.manifest.schemes
    )  # fmt: skip
    return replace(
        made,
        manifest=structs.replace(
            made.manifest, command="twinsync reproduce --budget printed --seed 3 --out record", schemes=schemes,
            total_s=40_000.0, comparison_commits=("0123456789ab",),
        ),
        sweeps=(_as_printed(shortened(both().sweeps[0])),),
    )  # fmt: skip


def _as_printed(sweep: Sweep) -> Sweep:
    """The sweep with SAC as printed in the place of the repaired one."""
    points = []
    for point in sweep.points:
        allocators = {SAC_AS_PRINTED: point.evaluation.allocators["sac-tuned"],
                      "optimum": point.evaluation.allocators["optimum"]}  # fmt: skip
        evaluation = structs.replace(point.evaluation, allocators=allocators, paired={})
        points.append(structs.replace(point, evaluation=evaluation, missing={}))
    return structs.replace(sweep, schemes=(SAC_AS_PRINTED, "optimum"), points=tuple(points))


def document() -> Document:
    """The report that the golden text is of."""
    own, printed = results(), record()
    return build(own, check_claims(printed, own, ANALYSIS), printed)


if __name__ == "__main__":
    GOLDEN.write_text(to_markdown(document()), "utf-8")
