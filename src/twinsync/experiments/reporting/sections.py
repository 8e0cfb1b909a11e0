"""The report's sections, each made of a run's raw files and the findings drawn from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twinsync.experiments.accuracy import accuracy_constant
from twinsync.experiments.columns import COMPARISON, columns_of
from twinsync.experiments.recorded import repaired_curves
from twinsync.experiments.report_folder import STUDIES, ReportFolder
from twinsync.experiments.reporting import findings, tables
from twinsync.experiments.reporting.claims import Claim, claims_section, tally
from twinsync.experiments.reporting.document import (
    Block,
    Box,
    Bullets,
    Code,
    Document,
    Folded,
    Heading,
    Made,
    Paragraph,
    Picture,
    Table,
)
from twinsync.experiments.reporting.levels import levels, printed_section, tiles
from twinsync.experiments.reporting.sweep_sections import (
    feasibility_section,
    frontier_section,
    further_sweeps,
    paper_sweeps,
    timings,
)
from twinsync.experiments.reporting.variants import variants_section
from twinsync.experiments.run_folder import CONVERGENCE, EVALUATION, LEARNING, MANIFEST, OPTIMUM, SCENARIO, RunFolder
from twinsync.experiments.statistics import expected_coverage
from twinsync.experiments.sweep_folder import SWEEPS
from twinsync.experiments.words import duration, listing, number, sentence, share


def build(folder: ReportFolder, claims: Sequence[Claim] = (), record: ReportFolder | None = None) -> Document:
    """The whole report as blocks; `claims` are the paper's, already checked. `record` has the schemes as printed, and
    may be `folder` itself."""
    manifest, run = folder.manifest, folder.run
    scenario = manifest["scenario"]
    changed = f" ({', '.join(scenario['overrides'])})" if scenario["overrides"] else ""
    subtitle = (
        f"Scenario {scenario['name']}{changed}, budget {manifest['budget']}, seed {manifest['seed']}, "
        f"{manifest['started'][:10]}, {duration(manifest['total_s'])} of compute"
    )
    blocks = [*([] if run is None else _summary(run, record)), *_checked(claims), _budget(manifest)]
    blocks += [] if run is None else [*_comparison(run), *_training(repaired_curves(run))]
    blocks += [*printed_section(folder, record), *variants_section(folder, record)]
    blocks += [*paper_sweeps(folder), *further_sweeps(folder), *frontier_section(folder)]
    blocks += [*claims_section(claims), *feasibility_section(folder)]
    blocks += [] if run is None else _parts(run)
    return Document(
        "Delay-aware digital-twin synchronisation: the paper's comparison, reproduced"
        if run is not None or any(swept.figure for swept in folder.sweeps)
        else "Delay-aware digital-twin synchronisation: sweeps",
        subtitle,
        [*blocks, *_constants(folder), *_making(folder)],
    )


def _checked(claims: Sequence[Claim]) -> list[Block]:
    return [Paragraph(tally(claims))] if claims else []


def _budget(manifest: Mapping[str, Any]) -> Block:
    words = sentence(manifest["budget_note"])
    counts = manifest.get("results", {"computed": 0, "planned": 0})
    if counts["computed"] < counts["planned"]:
        words += (
            f" **Not complete:** {counts['computed']} of {counts['planned']} results are computed, and the rest are "
            "left "
            "out of this report; each row says how many seeds it has."
        )
    return Box("note", f"Budget: {manifest['budget']}", [Paragraph(words)])


def _made(run: RunFolder) -> Made:
    # Results outlive the code that made them; a folder of before sweeps names only the last revision.
    last = [run.manifest["git_revision"]] if run.manifest["git_revision"] else []
    return Made(run.manifest["command"], run.manifest.get("comparison_commits", last))


def _summary(run: RunFolder, record: ReportFolder | None) -> list[Block]:
    title, statement = findings.feasibility(run)
    blocks: list[Block] = [
        *levels(run, record),
        tiles(run, record),
        Paragraph(f"{findings.gains(run)} {findings.cheaper(run)}"),
        Box("note", title, [Paragraph(statement)]),
    ]
    # Those as printed are told of in their own section.
    unstable = findings.instabilities(repaired_curves(run))
    if unstable:
        words = Bullets([item.sentence() for item in unstable])
        blocks.append(Box("trouble", "Training that did not hold", [words]))
    return blocks


def _comparison(run: RunFolder) -> list[Block]:
    shown = {column.key for column in columns_of(COMPARISON)}
    meanings = [f"`{key}`: {words}" for key, words in run.evaluation.get("definitions", {}).items() if key in shown]
    table = tables.comparison(run)
    told = [f"**{item.label}**: {item.description}" for item in run.schemes.values() if item.description]
    return [
        Heading("How the schemes compare"),
        Picture(
            "comparison",
            "Mean latency and cost of a slot, with 95 % intervals. Ticks: single training seeds, or sets of slots "
            "where nothing is trained. Hollow: as printed.",
            f"Dot plot of mean latency and cost of {len(table.rows)} schemes; {table.rows[0][0]} costs least.",
            _made(run),
        ),
        table,
        Bullets(_notes(run)),
        *([Folded("What the columns mean", [Bullets(meanings)])] if meanings else []),
        *([Folded("Who the schemes are", [Bullets(told)])] if told else []),
        tables.paired(run),
    ]


def _notes(run: RunFolder) -> list[str]:
    """The evaluation's own remarks, which know a scheme by its key, with its name for people."""
    notes = []
    for note in run.evaluation.get("notes", []):
        key, space, rest = note.partition(" ")
        name = run.schemes[key].label if key in run.schemes else key
        notes.append(sentence(f"{name}{space}{rest}"))
    return notes


def _training(run: RunFolder) -> list[Block]:
    labels = [curve.scheme.label for curve in run.curves.values()]
    counts = sorted({len(curve.cost) for curve in run.curves.values()})
    slots = run.rows[run.learner].training_slots
    trained = f" SAC and PPO were trained on {number(slots, 0)} slots." if math.isfinite(slots) else ""
    seeds = listing([str(count) for count in counts])
    covered = f"; over {counts[0]} seeds they cover the mean {share(expected_coverage(counts[0]), 0)} of the time"
    caption = (
        "Fig. 3 with the repaired schemes. Reward is minus the cost of a slot, −(T[n] + P) of (22), so higher is "
        "better: seconds of latency summed over the UDs, plus weighted penalties. Each point is the deterministic "
        "policy on fixed "
        f"evaluation slots; lines are means over {seeds} training seeds, bands 95 % bootstrap intervals over seeds"
        f"{covered if counts[0] > 1 else ''}.{trained} Dashed: the certified optimum. The lower panel shows "
        "the same curves from nearer and names what ends below it. A cross marks where a seed stopped giving finite "
        "numbers."
    )
    unstable = [item.label for item in findings.instabilities(run)]
    message = f"Learning curves of {listing(labels)}; " + (
        f"unstable: {listing(unstable)}" if unstable else "all stable"
    )
    differing, settings = tables.deviations(run), tables.settings(run)
    return [
        Heading("How they learn"),
        Picture("fig3_convergence", caption, message, _made(run)),
        *([Folded("What was repaired, and why", [differing])] if differing.rows else []),
        *([Folded("All settings of every learner", [settings])] if settings.rows else []),
    ]


def _parts(run: RunFolder) -> list[Block]:
    parts = run.rows[OPTIMUM].latency_parts_s
    part, largest = max(parts.items(), key=lambda item: item[1])
    message = f"At the optimum the largest part is {part}, {share(largest / sum(parts.values()), 0)} of the latency."
    return [
        Heading("Where the latency and the energy go"),
        Picture(
            "latency_parts",
            f"Mean latency of a slot by part, all UDs together. {message} Dashed: where the mean would stand if every "
            "UD synchronised exactly at its deadline.",
            message,
            _made(run),
        ),
        Picture(
            "energy_parts",
            "Mean energy of a slot by part, all UDs together. Dashed: their budgets together. A budget binds each UD "
            "in each slot, so a mean below the line does not say that all keep theirs.",
            "Stacked bars of the energy of every scheme by part, with the budget as a line.",
            _made(run),
        ),
    ]


def _constants(folder: ReportFolder) -> list[Block]:
    scenario = [*folder.scenario, *([accuracy_constant()] if folder.sweep("extraction-floor") else [])]
    entries = [*scenario, *folder.learning]
    if not (folder.scenario or folder.learning):
        return []
    tags = [entry["tag"] for entry in entries]
    counted = [f"{tags.count(tag)} {_TAGGED.get(tag, tag)}" for tag in sorted(set(tags), key=tags.index)]
    lists = ((scenario, "The scenario (Tables I and II)."), (folder.learning, "Training (Table III)."))
    return [
        Heading("What was assumed"),
        Paragraph(f"This rests on {len(tags)} constants and options: {listing(counted)}. Those not stated, and why:"),
        tables.open_constants(entries),
        Folded(
            "Every constant, with its bounds and source",
            [tables.all_constants(constants, caption) for constants, caption in lists if constants],
        ),
    ]


_TAGGED = {
    "stated": "stated (printed in the paper)",
    "derived": "derived (from what it prints)",
    "assumed": "assumed (by us)",
    "convention": "conventions of the field",
    "user": "set by the user",
}


def _making(folder: ReportFolder) -> list[Block]:
    manifest, run = folder.manifest, folder.run
    swept = {sweep.name for sweep in folder.sweeps}
    stages = ", ".join(
        f"{stage} {duration(elapsed_s)}" for stage, elapsed_s in manifest["timings_s"].items() if stage not in swept
    )
    facts = [
        ["Device", f"{manifest['device']}; {manifest['machine']}"],
        ["Git revision", manifest["git_revision"] or "not in a repository"],
        ["Started", manifest["started"]],
        ["Time", f"{duration(manifest['total_s'])}: {stages}" if stages else duration(manifest["total_s"])],
        ["Seed", str(manifest["seed"])],
        *([] if run is None else _evaluated(run)),
        ["Versions", ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())],
    ]
    names = [MANIFEST, SCENARIO, LEARNING, EVALUATION, CONVERGENCE, SWEEPS, STUDIES]
    raw = [f"`{name}`" for name in names if (folder.path / name).exists()]
    whole = "" if run is None else "; the comparison with all its digits is `table.csv`"
    return [
        Heading("How this was made"),
        Paragraph("The same command with the same seed on the same kind of device gives the same numbers:"),
        Code(manifest["command"]),
        Table("", [], facts, words=(0, 1)),
        *([timings(folder)] if folder.sweeps else []),
        Paragraph(
            f"Everything above derives from the raw files beside this page: {listing(raw)}. Each figure lies in "
            f"`figures/` as PNG, SVG and PDF, beside the CSV it was drawn from{whole}."
        ),
    ]


def _evaluated(run: RunFolder) -> list[list[str]]:
    sets = run.manifest["evaluation"]
    facts = [["Evaluation", f"{sets['seeds']} sets of {sets['slots']:,} slots, the same for every scheme"]]
    certificate = run.evaluation.get("optimum")
    if certificate:
        proven = f"in every slot its cost is proven minimal to within {certificate['relative_gap']:.1g}, relative"
        facts.append(["Optimum", proven])
    return facts
