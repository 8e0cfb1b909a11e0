"""The report's sections on which settings matter and on the same settings in another library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from twinsync.experiments.columns import TableCell
from twinsync.experiments.figures.variants import ROLES, WHAT_DECIDES, at_change, changes_of, exchanged
from twinsync.experiments.formatting import NBSP, number, sentence
from twinsync.experiments.records import VariantRow
from twinsync.experiments.report.document import Block, Bullets, Field, Heading, Paragraph, Picture, Table, table
from twinsync.experiments.results import Results
from twinsync.experiments.variants import BACK, PEERS, PPO, RANDOM, SAC, SETTINGS, TOWARDS

SETTLED = 0.05  # a curve is stable if its mean over the last fifth is within this of the fifth before, relative

ByRole = Mapping[str, VariantRow]


def variants_section(results: Results, record: Results | None) -> list[Block]:
    """Sections on the studies of the run, or of the record if the run has none."""
    studies = results.studies or ({} if record is None else record.studies)
    blocks: list[Block] = []
    if SETTINGS in studies:
        blocks += _settings(studies[SETTINGS].rows)
    if PEERS in studies:
        blocks += _peers(studies[PEERS].rows)
    return blocks


def _settings(rows: Sequence[VariantRow]) -> list[Block]:
    seeds = _span([len(row.curve.cost) for row in rows])
    slots = _span([row.training_slots for row in rows])
    words = (
        "One setting is changed at a time: from as printed towards repaired, and from repaired back. Costs are means "
        f"over {seeds} training seeds of {slots} slots, on the slots of the comparison. Small print: the lowest and "
        "the highest seed. The last column tells whether Fig. 3 would look as the authors print it: over the last "
        "fifth of training SAC's reward is above PPO's and PPO's above the random strategy's, and each is stable to "
        f"within {100 * SETTLED:g}{NBSP}% over the last two fifths."
    )
    trained = f"Every learner was trained on {slots} slots."
    caption = (
        f"Cost per slot with one setting changed. Dots are means over training seeds, ticks individual seeds. {trained}"
    )
    decisive = _decisive(rows)
    captions = {TOWARDS: "As printed, with one setting changed.", BACK: "Repaired, with one setting put back."}
    return [
        Heading("Which settings matter"),
        Paragraph(words),
        Paragraph(decisive),
        Picture(WHAT_DECIDES, caption, decisive),
        *(
            _table(f"{caption} {trained}", rows, direction)
            for direction, caption in captions.items()
            if changes_of(rows, direction)
        ),
    ]


def _decisive(rows: Sequence[VariantRow]) -> str:
    """Which single changes make Fig. 3 look as printed, and which lower and raise SAC's cost most, in words."""
    by_change = {change: at_change(rows, TOWARDS, change) for change in changes_of(rows, TOWARDS)}
    base = by_change.pop("", {})
    complete = {change: by_role for change, by_role in by_change.items() if {SAC, PPO, RANDOM} <= by_role.keys()}
    alike = [change for change, by_role in complete.items() if looks_as_printed(by_role)]
    incomplete = len(by_change) - len(complete)
    if alike:
        words = f"Fig. 3 looks as the authors print it after changing {_either([f'`{change}`' for change in alike])}."
    elif complete:
        count = "The one change" if len(complete) == 1 else f"None of the {len(complete)} changes"
        makes = "does not make" if len(complete) == 1 else "makes"
        words = f"{count} run with all three schemes {makes} Fig. 3 look as the authors print it."
    else:
        words = "No change was run with all three schemes."
    plural = " was" if incomplete == 1 else "s were"
    words += f" {incomplete} change{plural} not run with all three schemes." if incomplete and complete else ""
    costs = {change: _cost(by_role.get(SAC)) for change, by_role in by_change.items()}
    known = {change: cost for change, cost in costs.items() if math.isfinite(cost)}
    if SAC not in base or not known:
        return words
    best, worst = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return (
        f"{words} The cost of SAC, {number(_cost(base[SAC]))} as printed, is lowest after changing `{best}` "
        f"({number(known[best])}) and highest after changing `{worst}` ({number(known[worst])})."
    )


def _either(names: Sequence[str]) -> str:
    """`a, b or c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def looks_as_printed(by_role: ByRole) -> bool:
    """Whether the final rewards are, from highest to lowest, SAC's, PPO's and the random strategy's, and all stable."""
    if not {SAC, PPO, RANDOM} <= by_role.keys():
        return False
    ends = [last_fifths(by_role[role]) for role in (SAC, PPO, RANDOM)]
    costs = [end[1] for end in ends]
    stable = all(abs(after / before - 1.0) < SETTLED for before, after in ends)
    return stable and costs[0] < costs[1] < costs[2]


def last_fifths(row: VariantRow) -> tuple[float, float]:
    """Mean cost over seeds in the last but one and in the last fifth of training; NaN if any cost in it is NaN."""
    cost = np.array(row.curve.cost, dtype=float)
    size = max(1, cost.shape[1] // 5)
    return float(cost[:, -2 * size : -size].mean()), float(cost[:, -size:].mean())


def _table(caption: str, rows: Sequence[VariantRow], direction: str) -> Table:
    roles = [role for role in ROLES if any(row.role == role and row.direction == direction for row in rows)]
    fields: list[Field[ByRole]] = [
        Field("Changed", lambda by_role: _label(next(iter(by_role.values()))), words=True),
        Field("Setting", lambda by_role: _setting(next(iter(by_role.values()))), words=True),
        *(Field(f"{ROLES[role]}: cost", lambda by_role, role=role: _cost_cell(by_role.get(role))) for role in roles),
    ]
    if direction == TOWARDS:
        fields.append(Field("Like Fig. 3 of the paper", _alike, words=True))
    return table(caption, fields, [at_change(rows, direction, change) for change in changes_of(rows, direction)])


def _label(row: VariantRow) -> str:
    return sentence(row.change_label).removesuffix(".") if row.change else "nothing"


def _setting(row: VariantRow) -> str:
    return f"`{exchanged(row)}`" if row.change else ""


def _alike(by_role: ByRole) -> str:
    if not {SAC, PPO, RANDOM} <= by_role.keys():
        return "not known: not all three were trained"
    return "yes" if looks_as_printed(by_role) else "no"


def _cost_cell(row: VariantRow | None) -> TableCell:
    if row is None:
        return TableCell("–")
    if row.measured is None:
        return TableCell("diverged")
    each = row.measured.unit_cost
    seeds = f"{number(min(each))} to {number(max(each))}" if len(row.curve.cost) > 1 else ""
    return TableCell(number(row.measured.cost.mean), seeds)


def _cost(row: VariantRow | None) -> float:
    return math.nan if row is None or row.measured is None else row.measured.cost.mean


def _peers(rows: Sequence[VariantRow]) -> list[Block]:
    fields: list[Field[VariantRow]] = [
        Field("Learner", lambda row: ROLES[row.role], words=True),
        Field("Library", lambda row: "Stable-Baselines3" if row.library else "twinsync", words=True),
        Field("Cost of a slot", _cost_cell),
        Field(
            "Latency of a slot [s]",
            lambda row: number(math.nan if row.measured is None else row.measured.latency_s.mean, 2),
        ),
        Field("Trained on [slots]", lambda row: number(row.training_slots, 0)),
        Field("Seeds", lambda row: str(len(row.curve.cost))),
    ]
    sentences = [words for role in (SAC, PPO) if (words := _agreement(rows, role))]
    return [
        Heading("As printed, in two libraries"),
        Paragraph(
            "Stable-Baselines3's learners on the Gymnasium interface of the same environment, with identical settings "
            "and on the same slots. Small print: the lowest and the highest seed."
        ),
        table("", fields, rows),
        *([Bullets(sentences)] if sentences else []),
    ]


def _agreement(rows: Sequence[VariantRow], role: str) -> str:
    pair = sorted((row for row in rows if row.role == role), key=lambda row: row.library)
    measured = [row.measured for row in pair if row.measured is not None]
    if len(measured) != 2:
        return ""
    ours, theirs = measured
    spans = [(min(item.unit_cost), max(item.unit_cost)) for item in measured]
    apart = 100.0 * (theirs.cost.mean / ours.cost.mean - 1.0)
    overlap = "overlap" if spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1] else "do not overlap"
    return (
        f"**{ROLES[role]}**: Stable-Baselines3's cost is {number(abs(apart))}{NBSP}% "
        f"{'higher' if apart >= 0 else 'lower'} than ours; the ranges of the seeds {overlap}."
    )


def _span(counts: Sequence[int]) -> str:
    ends = dict.fromkeys(f"{count:,}" for count in (min(counts), max(counts)))
    return " to ".join(ends)
