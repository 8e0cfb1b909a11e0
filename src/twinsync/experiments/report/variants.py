"""What decides: one setting exchanged at a time, and the same settings in another library, as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twinsync.experiments.figures.variants import ROLES, at_change, changes_of, exchanged
from twinsync.experiments.formatting import NBSP, listing, number, sentence
from twinsync.experiments.report.document import Block, Bullets, Heading, Paragraph, Picture, Table
from twinsync.experiments.report_folder import ReportFolder
from twinsync.experiments.variants import BACK, PPO, RANDOM, SAC, SETTINGS, TOWARDS
from twinsync.experiments.variants import PEERS as PEERS_PART

SETTLED = 0.05  # a curve is stable if its mean over the last fifth lies within this of the last but one, relative

FIGURE = "what_decides"

Row = Mapping[str, Any]


def variants_section(folder: ReportFolder, record: ReportFolder | None) -> list[Block]:
    """The studies of the run, or of the record where the run has none."""
    studies = folder.studies or ({} if record is None else record.studies)
    blocks: list[Block] = []
    if SETTINGS in studies:
        blocks += _settings(studies[SETTINGS]["rows"])
    if PEERS_PART in studies:
        blocks += _peers(studies[PEERS_PART]["rows"])
    return blocks


def _settings(rows: Sequence[Row]) -> list[Block]:
    seeds = _span([len(row["curve"]["cost"]) for row in rows])
    slots = _span([row["training_slots"] for row in rows])
    words = (
        "One setting at a time is exchanged: from as printed towards repaired, and from repaired back. Costs are "
        "means "
        f"over {seeds} training seeds of {slots} slots, on the slots of the comparison; in small print the least and "
        "the largest of the seeds. The last column says whether Fig. 3 would look as the authors print it: the "
        "reward of "
        f"SAC above PPO's above the random strategy's over the last fifth of training, each stable to "
        f"{100 * SETTLED:g}{NBSP}% over the last two fifths."
    )
    return [
        Heading("What decides"),
        Paragraph(words),
        Paragraph(_decisive(rows)),
        Picture(
            FIGURE,
            f"Cost per slot with one setting exchanged; dots are means over training seeds, ticks single seeds, each "
            f"trained on {slots} slots.",
            _decisive(rows),
        ),
        _table("From as printed, one setting changed.", rows, TOWARDS),
        _table("From repaired, one setting put back.", rows, BACK),
    ]


def _decisive(rows: Sequence[Row]) -> str:
    """Which single change makes Fig. 3 look as printed, and which moves SAC's cost most."""
    changes = [change for change in changes_of(rows, TOWARDS) if change]
    compared = [change for change in changes if {SAC, PPO, RANDOM} <= at_change(rows, TOWARDS, change).keys()]
    like = [change for change in compared if looks_as_printed(at_change(rows, TOWARDS, change))]
    untold = len(changes) - len(compared)
    base = at_change(rows, TOWARDS, "").get(SAC)
    words = (
        f"Fig. 3 looks as the authors print it after changing {listing([f'`{change}`' for change in like])}."
        if like
        else f"Of {len(compared)} changes run with all three schemes none makes Fig. 3 look as the authors print it."
    )
    words += f" {untold} {'was' if untold == 1 else 'were'} not run with all three." if untold else ""
    costs = {change: _cost(at_change(rows, TOWARDS, change).get(SAC)) for change in changes}
    known = {change: cost for change, cost in costs.items() if math.isfinite(cost)}
    if base is None or not known:
        return words
    best, worst = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return (
        f"{words} From a cost of {number(_cost(base))}, SAC is brought lowest by `{best}` ({number(known[best])}) and "
        f"highest by `{worst}` ({number(known[worst])})."
    )


def looks_as_printed(roles: Mapping[str, Row]) -> bool:
    """Whether SAC's reward ends above PPO's above the random strategy's, all three stable."""
    if not {SAC, PPO, RANDOM} <= roles.keys():
        return False
    ends = [last_fifths(roles[role]) for role in (SAC, PPO, RANDOM)]
    costs = [end[1] for end in ends]
    stable = all(abs(after / before - 1.0) < SETTLED for before, after in ends)
    return stable and costs[0] < costs[1] < costs[2]


def last_fifths(row: Row) -> tuple[float, float]:
    """Mean cost over seeds in the last but one fifth of training and in the last; NaN where a cost is lost."""
    cost = np.array(row["curve"]["cost"], dtype=float)
    size = max(1, cost.shape[1] // 5)
    return float(cost[:, -2 * size : -size].mean()), float(cost[:, -size:].mean())


def _table(caption: str, rows: Sequence[Row], direction: str) -> Table:
    changes = changes_of(rows, direction)
    roles = [role for role in ROLES if any(row["role"] == role and row["direction"] == direction for row in rows)]
    cells = []
    for change in changes:
        here = at_change(rows, direction, change)
        first = "nothing" if not change else sentence(here[next(iter(here))]["change_label"]).removesuffix(".")
        settings = "" if not change else f"`{exchanged(here)}`"
        cells.append([first, settings, *(_cell(here.get(role)) for role in roles), _like(here)][: 2 + len(roles) + 1])
    header = ["Changed", "Setting", *(f"{ROLES[role]}: cost" for role in roles), "Like Fig. 3 of the paper"]
    if direction == BACK:
        header, cells = header[:-1], [row[:-1] for row in cells]
    return Table(caption, header, cells, words=(0, 1, len(header) - 1) if direction == TOWARDS else (0, 1))


def _like(here: Mapping[str, Row]) -> str:
    if not {SAC, PPO, RANDOM} <= here.keys():
        return "not told: the random strategy was not trained"
    return "yes" if looks_as_printed(here) else "no"


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    if row["measured"] is None:
        return "diverged"
    each = row["measured"]["unit_cost"]
    seeds = f"\n{number(min(each))} to {number(max(each))}" if len(row["curve"]["cost"]) > 1 else ""
    return f"{number(row['measured']['cost']['mean'])}{seeds}"


def _cost(row: Row | None) -> float:
    return math.nan if row is None or row["measured"] is None else float(row["measured"]["cost"]["mean"])


def _peers(rows: Sequence[Row]) -> list[Block]:
    cells = [
        [
            ROLES[row["role"]],
            "Stable-Baselines3" if row["library"] else "twinsync",
            _cell(row),
            "–" if row["measured"] is None else number(row["measured"]["latency_s"]["mean"], 2),
            number(row["training_slots"], 0),
            str(len(row["curve"]["cost"])),
        ]
        for row in rows
    ]
    header = ["Learner", "Library", "Cost of a slot", "Latency of a slot [s]", "Trained on [slots]", "Seeds"]
    told = [words for role in (SAC, PPO) if (words := _agreement(rows, role))]
    return [
        Heading("As printed, in two libraries"),
        Paragraph(
            "Stable-Baselines3's learners on the Gymnasium face of the same environment, at identical settings and on "
            "the same slots; in small print the least and the largest of the seeds."
        ),
        Table("", header, cells, words=(0, 1)),
        *([Bullets(told)] if told else []),
    ]


def _agreement(rows: Sequence[Row], role: str) -> str:
    pair = [row for row in rows if row["role"] == role and row["measured"] is not None]
    if len(pair) != 2:
        return ""
    ours, theirs = sorted(pair, key=lambda row: row["library"])
    spans = [(min(row["measured"]["unit_cost"]), max(row["measured"]["unit_cost"])) for row in (ours, theirs)]
    apart = 100.0 * (_cost(theirs) / _cost(ours) - 1.0)
    overlap = "overlap" if spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1] else "do not overlap"
    word = "more" if apart >= 0 else "less"
    return (
        f"**{ROLES[role]}**: Stable-Baselines3's costs {number(abs(apart))}{NBSP}% {word} than ours; the ranges of "
        "the "
        f"seeds {overlap}."
    )


def _span(counts: Sequence[int]) -> str:
    ends = dict.fromkeys(f"{count:,}" for count in (min(counts), max(counts)))
    return " to ".join(ends)
