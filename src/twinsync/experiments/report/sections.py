"""The whole report, section by section."""

from __future__ import annotations

from collections.abc import Sequence

from twinsync.experiments.columns import COMPARISON, MORE, Row, by_cost, columns_of, compared, training
from twinsync.experiments.figures.comparison import GLANCE, headline_rows
from twinsync.experiments.figures.policy import POLICY
from twinsync.experiments.formatting import NBSP, change, listing, number, sentence, share
from twinsync.experiments.formatting import compared as in_percent
from twinsync.experiments.formatting import duration as time
from twinsync.experiments.records import Claim
from twinsync.experiments.report import findings, tables
from twinsync.experiments.report.claims import claims_section, tally
from twinsync.experiments.report.document import (
    Block,
    Box,
    Bullets,
    Document,
    Folded,
    Heading,
    Made,
    Paragraph,
    Picture,
    Tile,
    Tiles,
)
from twinsync.experiments.report.provenance import budget_box, constants_section, making_section
from twinsync.experiments.report.sweep_sections import (
    feasibility_section,
    frontier_section,
    further_sweeps,
    paper_sweeps,
    recorded_sweeps,
)
from twinsync.experiments.report.variants import variants_section
from twinsync.experiments.results import EXPECTED, OPTIMUM, SAC_AS_PRINTED, Results

_INTRODUCTION = (
    "Each user device (UD) senses data, extracts what matters, and sends it over a shared radio link to an edge "
    "server, which keeps a digital twin of it. In each time slot, a policy chooses for every UD how much to compress, "
    "how much CPU to use on the device and at the edge, and how much power to transmit with. The slot’s cost is the "
    "latency in seconds, summed over the UDs, plus penalties for missed deadlines and for exceeding energy budgets and "
    "capacity. The problem is from B. Li, H. Cai, L. Liu and Z. Fei, "
    "[Delay-Aware Digital Twin Synchronization in Mobile Edge Networks With Semantic Communications]"
    "(https://arxiv.org/abs/2503.04387), arXiv:2503.04387."
)
_LEVELS = (
    "Schemes are shown as printed, with the paper's settings (Table III), and repaired, with settings that fit the "
    "problem, beside the optimum, which has the lowest cost of all in each slot and knows the channel; where it is "
    "called certified, a lower bound proves that. A UD-slot is one UD in one slot; an update is given up, and its "
    "latency counted as the cap, once it takes longer than the cap."
)


def build(results: Results, claims: Sequence[Claim] = (), record: Results | None = None) -> Document:
    """The whole report. claims: the paper's claims, already checked. record: results of the schemes as printed; may be
    `results` itself."""
    manifest = results.manifest
    scenario, has_comparison = manifest.scenario, results.comparison is not None
    changed = f" ({', '.join(scenario.overrides)})" if scenario.overrides else ""
    subtitle = (
        f"Scenario {scenario.name}{changed}, budget {manifest.budget}, seed {manifest.seed}, "
        f"{manifest.written[:10]}, {time(manifest.total_s)} of compute"
    )
    of_paper = has_comparison or any(sweep.figure for sweep in results.sweeps)
    blocks = [
        Paragraph(_INTRODUCTION),
        *(_summary(results, record) if has_comparison else []),
        *([Paragraph(tally(claims))] if claims else []),
        budget_box(manifest),
        *([*_comparison(results), *_policy(results), *_learning(results)] if has_comparison else []),
        *(_printed(results, record) if has_comparison else []),
        *variants_section(results, record),
        *paper_sweeps(results),
        *further_sweeps(results),
        *frontier_section(results),
        *claims_section(claims),
        *feasibility_section(results),
        *(_parts(results) if has_comparison else []),
        *constants_section(results),
        *making_section(results),
    ]
    subject = "the paper's comparison, reproduced" if of_paper else "sweeps" if results.sweeps else "a study"
    return Document(f"Delay-aware digital-twin synchronisation: {subject}", subtitle, blocks)


def _made(results: Results) -> Made:
    # The results may come from earlier revisions than the page.
    return Made(results.manifest.command, results.manifest.comparison_commits)


def _summary(results: Results, record: Results | None) -> list[Block]:
    comparison = compared(results)
    title, statement = findings.feasibility(results)
    levels = [
        f"**Repaired.** {findings.level(results, comparison.learner, comparison.benchmarks)}",
        f"**Best possible.** {findings.best_possible(results)}",
    ]
    if record is not None and findings.has_printed(record):
        levels.insert(0, f"**As printed.** {findings.level(record, SAC_AS_PRINTED, tables.PAPER.benchmarks())}")
    rows = headline_rows(results, record)
    hollow = " Hollow: as printed." if any(row.scheme.group == "paper" for row in rows) else ""
    caption = (
        "Mean cost of a slot with 95 % intervals. Ticks: individual training seeds, or sets of slots for schemes that "
        f"are not trained.{hollow} {training(rows)}"
    )
    caption += _from_record(rows, results, record)
    message = f"Dot plot of the mean cost of {len(rows)} schemes; {rows[0].scheme.label} costs least."
    schemes = [f"**{item.label}**: {item.description}" for item in results.schemes.values() if item.description]
    return [
        _tiles(results, record),
        Picture(GLANCE, caption, message, _made(results)),
        Paragraph(_LEVELS),
        *([Folded("What the schemes are", [Bullets(schemes)])] if schemes else []),
        Bullets(levels),
        tables.levels(results, record),
        Paragraph(
            " ".join(filter(None, (find(results) for find in (findings.gains, findings.cheaper, findings.faster))))
        ),
        Box("note", title, [Paragraph(statement)]),
        # The schemes as printed have a section of their own.
        *_unstable(results.with_curves(printed=False)),
    ]


def _from_record(rows: Sequence[Row], results: Results, record: Results | None) -> str:
    """A sentence on rows that a record stands in for; empty if there are none."""
    own = compared(results).evaluation.allocators
    labels = [row.scheme.label for row in rows if row.scheme.name not in own]
    if record is None or not labels:
        return ""
    sizes, made = record.manifest.evaluation, record.manifest
    return (
        f" {listing(labels)}: recorded, on {sizes.seeds} sets of {sizes.slots:,} slots, by `{made.command}` at "
        f"{listing([f'`{commit}`' for commit in made.comparison_commits] or ['an unknown revision'])}."
    )


def _tiles(results: Results, record: Results | None) -> Tiles:
    """How far each level's cost lies above the optimum, and how often even the optimum misses the deadline."""
    tiles = []
    for level in tables.levels_of(results, record):
        if level.scheme == OPTIMUM:
            continue
        optimum = compared(level.results).evaluation.allocators[OPTIMUM]
        slots = level.measured.training_slots
        who = "the best without channel knowledge" if level.scheme == EXPECTED else level.results.label(level.scheme)
        who += f", trained on {number(slots, 0)} slots," if slots > 0 else ""
        more = in_percent(level.measured.cost.mean, optimum.cost.mean)
        above = change(level.measured.cost.mean, optimum.cost.mean)
        tiles.append(Tile(above, f"{who[:1].upper()}{who[1:]} costs {more} the optimum"))
    missed = compared(results).evaluation.allocators[OPTIMUM].deadline_miss_rate
    return Tiles([*tiles, Tile(share(missed), "of UD-slots miss the deadline even at the optimum")])


def _unstable(results: Results) -> list[Block]:
    """A box on the learners whose training was unstable, of those with a learning curve in these results."""
    sentences = [item.sentence() for item in findings.instabilities(results)]
    return [Box("trouble", "Unstable training", [Bullets(sentences)])] if sentences else []


def _comparison(results: Results) -> list[Block]:
    comparison, rows = compared(results), by_cost(results)
    shown = {column.key for table in (COMPARISON, MORE) for column in columns_of(table)}
    definitions = comparison.evaluation.definitions
    hollow = " Hollow: as printed." if any(row.scheme.group == "paper" for row in rows) else ""
    meanings = [f"`{key}`: {words}" for key, words in definitions.items() if key in shown]
    return [
        Heading("How the schemes compare"),
        Picture(
            "comparison",
            "Mean latency and cost of a slot with 95 % intervals. Ticks: individual training seeds, or sets of slots "
            f"for schemes that are not trained.{hollow} {training(rows)}",
            f"Dot plot of mean latency and cost of {len(rows)} schemes; {rows[0].scheme.label} costs least.",
            _made(results),
        ),
        tables.comparison(results, comparison.learner, rows),
        Bullets(_notes(results)),
        *([Folded("What the columns mean", [Bullets(meanings)])] if meanings else []),
        Folded("More figures of merit", [tables.more(results, comparison.learner, rows)]),
        Folded("Paired differences on the same slots", [tables.paired(results)]),
    ]


def _notes(results: Results) -> list[str]:
    """The evaluation's notes, with each scheme's label in place of its key."""
    notes = []
    for note in compared(results).evaluation.notes:
        key, space, rest = note.partition(" ")
        notes.append(sentence(f"{results.label(key)}{space}{rest}"))
    return notes


def _policy(results: Results) -> list[Block]:
    """The decisions of the headline learner and of the optima for one device."""
    picture = results.policy
    if picture is None:
        return []
    names = list(dict.fromkeys(line.scheme for line in picture.lines))
    rows = [row for row in by_cost(results) if row.scheme.name in names]
    distance, data = f"{picture.distance_m:.3g}{NBSP}m", f"{picture.data_bits / 1e6:.2g}{NBSP}Mbit"
    caption = (
        f"Decisions for one of {picture.device_count} UDs against its distance (with {data}) and its data size "
        f"(at {distance}); the others stay at {distance} with {data}. Panels of the same decision share its axis. "
        f"Lines are medians and bands 10th to 90th percentiles: over {picture.draws} channel draws for schemes that "
        f"see the channel, over training seeds for learned ones. {training(rows)}"
    )
    labels = listing([results.label(name) for name in names])
    return [
        Heading("What the policies decide"),
        Picture(POLICY, caption, f"Small multiples: the four decisions of {labels} for one device.", _made(results)),
    ]


def _trained(results: Results) -> list[Row]:
    """The schemes of the comparison that have a learning curve."""
    curves = compared(results).curves
    return [row for row in by_cost(results) if row.scheme.name in curves]


def _seeds(results: Results) -> list[int]:
    return sorted({len(curve.cost) for curve in compared(results).curves.values()})


def _means(seeds: Sequence[int]) -> str:
    count = listing([str(number_of) for number_of in seeds])
    return f"means over {count} training seeds" if seeds != [1] else "those of 1 training seed"


def _learning(results: Results) -> list[Block]:
    own = results.with_curves(printed=False)
    seeds = _seeds(own)
    caption = (
        "Fig. 3 with the repaired schemes. The reward, −(T[n] + P) of (22), is minus the cost of a slot, which is the "
        "latency in seconds, summed over the UDs, plus weighted penalties; higher is better. Each point evaluates the "
        f"deterministic policy on fixed slots; lines are {_means(seeds)}, bands 95 % intervals over seeds. "
        f"{training(_trained(own))} Dashed: the certified optimum on these slots, which are not those of the table, so "
        "its cost differs slightly. Labels give final values, which may lie beyond the frame. The lower panel enlarges "
        "the range of the final values and names the curves that end below it. A cross marks "
        "where the cost of a seed became non-finite."
    )
    labels = listing([results.label(name) for name in compared(own).curves])
    unstable = [item.label for item in findings.instabilities(own)]
    message = f"Learning curves of {labels}; {f'unstable: {listing(unstable)}' if unstable else 'all stable'}"
    differing, settings = tables.deviations(results), tables.settings(results)
    return [
        Heading("How they learn"),
        Picture("fig3_convergence", caption, message, _made(results)),
        *([Folded("What was repaired, and why", [differing])] if differing.rows else []),
        *([Folded("All settings of every learner", [settings])] if settings.rows else []),
    ]


def _printed(results: Results, record: Results | None) -> list[Block]:
    """The schemes as printed: table and learning curves, and Figs. 4 to 7 if they come from a record."""
    heading = Heading("The paper as printed")
    if record is None or record.comparison is None:
        words = (
            "The schemes as printed were not trained in this run, and there is no record for this scenario and seed. "
            "`--budget printed` trains them at the printed size, `--retrain-printed` at this budget's."
        )
        return [heading, Paragraph(words)]
    beside = [row for row in by_cost(record) if row.scheme.group == "paper" or row.scheme.name in (OPTIMUM, EXPECTED)]
    blocks = [tables.comparison(record, SAC_AS_PRINTED, beside), *_printed_curves(record)]
    if record is results:
        return [heading, *blocks]
    title = "Recorded, at the printed size" if results.has_printed else "Recorded, not trained in this run"
    box = Box("note", title, [Paragraph(_record_made(record, beside_own=results.has_printed))])
    return [heading, box, *blocks, *recorded_sweeps(record)]


def _record_made(record: Results, *, beside_own: bool) -> str:
    manifest, settings = record.manifest, record.schemes[SAC_AS_PRINTED].settings
    commits = listing([f"`{commit}`" for commit in manifest.comparison_commits] or ["unknown"])
    widths = " and ".join(str(width) for width in settings.get("hidden", ()))
    size = f"on {number(settings['slots'], 0)} slots" if "slots" in settings else "at the printed size"
    networks = f" with hidden layers of {widths} units" if widths else ""
    words = (
        f"This section shows a recorded run of the same scenario and root seed, trained {size}{networks}. It was made "
        f"by `{manifest.command}` at revision {commits} in {time(manifest.total_s)} of compute."
    )
    if beside_own:
        return f"{words} This run's own schemes as printed, whose labels state their size, are in the tables above."
    return (
        f"{words} `--retrain-printed` trains these schemes in this run too, at this budget's size, which their labels "
        "then state."
    )


def _printed_curves(record: Results) -> list[Block]:
    own = record.with_curves(printed=True)
    labels = listing([record.label(name) for name in compared(own).curves])
    caption = (
        "Fig. 3 with the schemes as printed: reward per slot, −(T[n] + P) of (22), of the deterministic policy on "
        f"fixed slots. {training(_trained(own))} Lines are {_means(_seeds(own))}, bands 95 % intervals. Dashed: "
        "the certified optimum."
    )
    return [Picture("fig3_printed", caption, f"Learning curves of {labels}.", _made(record)), *_unstable(own)]


def _parts(results: Results) -> list[Block]:
    parts = compared(results).evaluation.allocators[OPTIMUM].latency_parts_s
    part, largest = max(parts.items(), key=lambda item: item[1])
    message = f"At the optimum, {part} is the largest part: {share(largest / sum(parts.values()), 0)} of the latency."
    trained = training(by_cost(results))
    return [
        Heading("Where the latency and the energy go"),
        Picture(
            "latency_parts",
            f"Mean latency of a slot by part, summed over the UDs. {message} Dashed: the latency if every UD "
            f"synchronised exactly at its deadline. {trained}",
            message,
            _made(results),
        ),
        Picture(
            "energy_parts",
            "Mean energy of a slot by part, summed over the UDs. Dashed: the sum of their budgets. A budget applies to "
            "each UD in each slot, so a mean below the line does not imply that every UD keeps within its own. "
            f"{trained}",
            "Stacked bars of the energy of every scheme by part, with the budget as a line.",
            _made(results),
        ),
    ]
