"""The report's sections on a run's provenance: its budget, constants, command and raw files."""

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
    "derived": "derived (from printed values, or from a measurement)",
    "assumed": "assumed (by us)",
    "convention": "conventions of the field",
    "user": "set by the user",
}


def budget_box(manifest: Manifest) -> Block:
    """What the budget leaves out, and whether all results were computed."""
    words = sentence(manifest.budget_note)
    counts = manifest.results
    if counts.computed < counts.planned:
        words += (
            f" **Incomplete:** {counts.computed} of {counts.planned} results have been computed; the others are "
            "missing from this report. Each row states its number of seeds."
        )
    return Box("note", f"Budget: {manifest.budget}", [Paragraph(words)])


def constants_section(results: Results) -> list[Block]:
    """Every constant, those that the paper does not state first."""
    if not (results.scenario or results.learning):
        return []
    # Only the accuracy frontier uses the assumed law; a scenario's own law is among its constants.
    assumed = results.sweep("extraction-floor") is not None and results.accuracy_law is None
    scenario = [*results.scenario, *([assumed_constant()] if assumed else [])]
    entries = [*scenario, *results.learning]
    tags = [entry.tag for entry in entries]
    counted = [f"{tags.count(tag)} {_TAGS.get(tag, tag)}" for tag in dict.fromkeys(tags)]
    lists = (
        (scenario, "The scenario (Tables I and II)."),
        (results.learning, "Training (Table III), and PPO, for which the paper prints no settings."),
    )
    return [
        Heading("What was assumed"),
        Paragraph(
            f"The results rest on {len(tags)} constants and options: {listing(counted)}. Those that the paper does not "
            "state, with the reason for each value:"
        ),
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
        ["Page written", manifest.written],
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
    whole = "; `table.csv` has the comparison at full precision" if has_comparison else ""
    return [
        Heading("How this was made"),
        Paragraph("The same command with the same seed on the same kind of device gives the same numbers:"),
        Code(manifest.command),
        Table("", [], facts, words=(0, 1)),
        *([tables.timings(results)] if results.sweeps else []),
        Paragraph(
            f"Everything above is computed from the raw files that the command writes into its folder: {listing(raw)}. "
            f"`figures/` has each figure as PNG, SVG and PDF, and its data as CSV{whole}."
        ),
    ]


def _revisions(results: Results) -> str:
    """The revisions that produced the results, and this page's if it differs."""
    page = results.manifest.git_revision
    parts = [*results.sweeps, *results.studies.values()]
    made = sorted({*results.manifest.comparison_commits, *(item for part in parts for item in part.commits)})
    if not made or made == [page]:
        return page or "not in a repository"
    return f"results {listing(made)}; this page {page or 'outside a repository'}"


def _evaluated(results: Results) -> list[list[str]]:
    sizes, certificate = results.manifest.evaluation, compared(results).evaluation.optimum
    facts = [["Evaluation", f"{sizes.seeds} sets of {sizes.slots:,} slots, the same for every scheme"]]
    if certificate is not None:
        gap = f"{certificate.relative_gap:.1g}"
        facts.append(["Optimum", f"cost proven minimal in every slot, to within a relative {gap}"])
    return facts
