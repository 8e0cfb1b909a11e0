"""The report's sections on what a run rests on: its budget, its constants, its command, its raw files."""

from __future__ import annotations

from twinsync.experiments.accuracy import assumed_constant
from twinsync.experiments.columns import compared
from twinsync.experiments.formatting import duration, listing, sentence
from twinsync.experiments.records import Manifest
from twinsync.experiments.report import tables
from twinsync.experiments.report.document import Block, Box, Code, Folded, Heading, Paragraph, Table
from twinsync.experiments.results import (
    CONVERGENCE,
    EVALUATION,
    LEARNING,
    MANIFEST,
    SCENARIO,
    STUDIES,
    SWEEPS,
    Results,
)

_TAGS = {
    "stated": "stated (printed in the paper)",
    "derived": "derived (from what it prints, or from a measurement)",
    "assumed": "assumed (by us)",
    "convention": "conventions of the field",
    "user": "set by the user",
}


def budget_box(manifest: Manifest) -> Block:
    """What the budget left out, and whether all was computed."""
    words = sentence(manifest.budget_note)
    counts = manifest.results
    if counts.computed < counts.planned:
        words += (
            f" **Not complete:** {counts.computed} of {counts.planned} results are computed, and the rest are left "
            "out of this report; each row says how many seeds it has."
        )
    return Box("note", f"Budget: {manifest.budget}", [Paragraph(words)])


def constants_section(results: Results) -> list[Block]:
    """Every constant, with those that the paper does not print in front."""
    if not (results.scenario or results.learning):
        return []
    # The law of accuracy is the frontier's alone; a scenario's own law is among its constants.
    assumed = results.sweep("extraction-floor") is not None and results.accuracy_law is None
    scenario = [*results.scenario, *([assumed_constant()] if assumed else [])]
    entries = [*scenario, *results.learning]
    tags = [entry.tag for entry in entries]
    counted = [f"{tags.count(tag)} {_TAGS.get(tag, tag)}" for tag in dict.fromkeys(tags)]
    lists = ((scenario, "The scenario (Tables I and II)."), (results.learning, "Training (Table III)."))
    return [
        Heading("What was assumed"),
        Paragraph(f"This rests on {len(tags)} constants and options: {listing(counted)}. Those not stated, and why:"),
        tables.open_constants(entries),
        Folded(
            "Every constant, with its bounds and source",
            [tables.all_constants(constants, caption) for constants, caption in lists if constants],
        ),
    ]


def making_section(results: Results) -> list[Block]:
    """The command, the machine, and the raw files beside the page."""
    manifest = results.manifest
    swept = {sweep.name for sweep in results.sweeps}
    stages = ", ".join(
        f"{stage} {duration(elapsed_s)}" for stage, elapsed_s in manifest.timings_s.items() if stage not in swept
    )
    facts = [
        ["Device", f"{manifest.device}; {manifest.machine}"],
        ["Git revision", _revisions(results)],
        ["Started", manifest.started],
        ["Time", f"{duration(manifest.total_s)}: {stages}" if stages else duration(manifest.total_s)],
        ["Seed", str(manifest.seed)],
        *([] if results.comparison is None else _evaluated(results)),
        ["Versions", ", ".join(f"{name} {version}" for name, version in manifest.versions.items())],
    ]
    has_comparison = results.comparison is not None
    files = {
        MANIFEST: True,
        SCENARIO: True,
        LEARNING: True,
        EVALUATION: has_comparison,
        CONVERGENCE: has_comparison,
        SWEEPS: bool(results.sweeps),
        STUDIES: bool(results.studies),
    }
    raw = [f"`{name}`" for name, written in files.items() if written]
    whole = "; the comparison with all its digits is `table.csv`" if has_comparison else ""
    return [
        Heading("How this was made"),
        Paragraph("The same command with the same seed on the same kind of device gives the same numbers:"),
        Code(manifest.command),
        Table("", [], facts, words=(0, 1)),
        *([tables.timings(results)] if results.sweeps else []),
        Paragraph(
            f"Everything above derives from the raw files beside this page: {listing(raw)}. Each figure lies in "
            f"`figures/` as PNG, SVG and PDF, beside the CSV it was drawn from{whole}."
        ),
    ]


def _revisions(results: Results) -> str:
    """The revisions that made the results, and the page's where that is another one."""
    page = results.manifest.git_revision
    made = sorted({*results.manifest.comparison_commits, *(item for sweep in results.sweeps for item in sweep.commits)})
    if not made or made == [page]:
        return page or "not in a repository"
    return f"results {listing(made)}; this page {page or 'outside a repository'}"


def _evaluated(results: Results) -> list[list[str]]:
    sizes, certificate = results.manifest.evaluation, compared(results).evaluation.optimum
    facts = [["Evaluation", f"{sizes.seeds} sets of {sizes.slots:,} slots, the same for every scheme"]]
    if certificate is not None:
        gap = f"{certificate.relative_gap:.1g}"
        facts.append(["Optimum", f"in every slot its cost is proven minimal to within {gap}, relative"])
    return facts
