"""The report's sections on which settings matter and on the same settings in another library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from twinsync.experiments.columns import TableCell
from twinsync.experiments.effects import SETTLED, ByRole, chance, effect, looks_as_printed
from twinsync.experiments.figures.variants import ROLES, WHAT_DECIDES, at_change, changes_of, settings_of
from twinsync.experiments.formatting import NBSP, cost, listing, number, sentence, share
from twinsync.experiments.records import VariantRow
from twinsync.experiments.report.document import (
    Block,
    Box,
    Bullets,
    Field,
    Heading,
    Made,
    Paragraph,
    Picture,
    Table,
    table,
)
from twinsync.experiments.results import Results, shown_study
from twinsync.experiments.variants import BACK, PEERS, PPO, RANDOM, SAC, SETTINGS, TOWARDS, is_other_reading

_OTHER_READING = "†"
_LEARNERS = {SAC: "SAC", PPO: "PPO", RANDOM: "the random strategy"}
_WHOSE = {SAC: "SAC's", PPO: "PPO's", RANDOM: "The random strategy's"}


def variants_section(results: Results, record: Results | None) -> list[Block]:
    """Sections on the studies of the run, and beside a comparison on those of the record that the run lacks."""
    blocks: list[Block] = []
    for name, title, section in (
        (SETTINGS, "Which settings matter", _settings),
        (PEERS, "As printed, in two libraries", _peers),
    ):
        shown = shown_study(name, results, record)
        if shown is not None:
            study, source = shown
            made = Made(study.command, study.commits)
            blocks += [Heading(title), *(_recorded(made) if source is not results else [])]
            blocks += section(study.rows, _slots(source), made)
    return blocks


def _recorded(made: Made) -> list[Block]:
    commits = listing([f"`{commit}`" for commit in made.commits] or ["unknown"])
    words = (
        f"This section shows a recorded run of the same scenario and root seed: `{made.command}` at revision {commits}."
    )
    return [Box("note", "Recorded, not trained in this run", [Paragraph(words)])]


def _slots(results: Results) -> str:
    sizes = results.manifest.evaluation
    return f"{sizes.seeds} sets of {sizes.slots:,} slots, the same for every scheme"


def _settings(rows: Sequence[VariantRow], slots: str, made: Made) -> list[Block]:
    changed = [row for row in rows if row.change] or rows
    unchanged = [row for row in rows if not row.change]
    trained = f"Every learner was trained on {_span(row.training_slots for row in rows)} slots."
    directions = [direction for direction in (TOWARDS, BACK) if changes_of(rows, direction)]
    mark = any(is_other_reading(row.change) for row in rows)
    reading = f", or, marked {_OTHER_READING}, to another reading of what the paper leaves open" if mark else ""
    how = (
        f"One setting is changed at a time: from as printed towards repaired, from repaired back{reading}. Costs are "
        f"means over {_seeds(changed, unchanged)}, on {slots}. "
        f"{trained} Small print: the lowest and the highest seed. {_criterion(changed, unchanged)}"
    )
    alike = (
        "The last column of the first table tells whether Fig. 3 would look as the paper describes it: over the last "
        "fifth of training SAC's reward is above PPO's and PPO's above the random strategy's, and each is within "
        f"{100 * SETTLED:g}{NBSP}% of the fifth before. “Yes” needs this of every seed; “no” means that a part of it "
        "holds for no seed."
    )
    caption = (
        "Cost per slot with one setting changed. Large marks are means over training seeds, ticks individual seeds; a "
        "cross at the right edge means that a seed was lost; the dashed line is the optimum's cost, where it was "
        f"computed. The two axes differ. {trained}"
    )
    findings = [*_like_fig3(rows), *(words for direction in directions for words in _effects(rows, direction))]
    captions = {TOWARDS: "As printed, with one setting changed.", BACK: "Repaired, with one setting changed."}
    return [
        Paragraph(how),
        *([Bullets(findings)] if findings else []),
        Picture(
            WHAT_DECIDES, caption, "Cost of each learner with one setting changed at a time, towards and back.", made
        ),
        Paragraph(alike),
        *(_table(captions[direction], rows, direction) for direction in directions),
    ]


def _seeds(changed: Sequence[VariantRow], unchanged: Sequence[VariantRow]) -> str:
    """How many training seeds the learners of a study have, in words."""
    roles = [role for role in ROLES if any(row.role == role for row in changed)]
    counts = {role: _span(row.trained for row in changed if row.role == role) for role in roles}
    alike = len(set(counts.values())) == 1
    each = listing([f"{count} of {_LEARNERS[role]}" for role, count in counts.items()])
    words = f"{next(iter(counts.values()))} training seeds" if alike else f"training seeds, {each}"
    more = _span(row.trained for row in unchanged)
    return words if set(counts.values()) == {more} or not unchanged else f"{words}, or {more} where nothing is changed"


def _criterion(changed: Sequence[VariantRow], unchanged: Sequence[VariantRow]) -> str:
    words = "A cost is called lower or higher only if each of its seeds is below or above every seed without the change"
    more = min((row.trained for row in unchanged), default=0)
    if not more:
        return f"{words}."
    shares = [
        f"with {seeds} seeds against {more}, {_chance(seeds, more)}"
        for seeds in sorted({row.trained for row in changed})
    ]
    return f"{words}; {listing(shares)} of changes without any effect would be, too."


def _chance(seeds: int, others: int) -> str:
    """The chance that the seeds of two equal schemes do not overlap, as a percentage."""
    value = chance(seeds, others)
    return share(value, 0 if value >= 0.01 else 1)


def _like_fig3(rows: Sequence[VariantRow]) -> list[str]:
    """Whether the schemes as printed, and which changes to them, make Fig. 3 look as printed."""
    answers = {change: looks_as_printed(at_change(rows, TOWARDS, change)) for change in changes_of(rows, TOWARDS)}
    base = answers.pop("", "unknown")
    known = [change for change, answer in answers.items() if answer != "unknown"]
    first = {
        "yes": "As printed and unchanged, Fig. 3 looks as the paper describes it.",
        "no": "As printed and unchanged, Fig. 3 does not look as the paper describes it.",
        "not settled": "Whether Fig. 3, as printed and unchanged, looks as the paper describes it is not settled.",
        "unknown": "",
    }[base]
    parts = [
        f"{words} {_names(change for change in known if answers[change] == answer)}"
        for answer, words in (
            ("yes", "it looks so after changing"),
            ("not settled", "it is not settled for"),
            ("no", "it does not look so after changing"),
        )
        if any(answers[change] == answer for change in known)
    ]
    parts += [f"it is not known for {_names(set_aside)}" for set_aside in [_unknown(answers)] if set_aside]
    if not known:
        return [first] if first else []
    return [" ".join(filter(None, (first, sentence("With one change, " + "; ".join(parts)))))]


def _unknown(answers: Mapping[str, str]) -> list[str]:
    return [change for change, answer in answers.items() if answer == "unknown"]


def _effects(rows: Sequence[VariantRow], direction: str) -> list[str]:
    """A statement per learner on what each change does to its cost."""
    statements = []
    for role in ROLES:
        by_change = {
            change: row
            for change in changes_of(rows, direction)
            if (row := at_change(rows, direction, change).get(role)) is not None
        }
        base = by_change.pop("", None)
        if base is None or base.measured is None or not by_change:
            continue
        effects = {change: effect(row, base) for change, row in by_change.items()}
        parts = []
        for outcome, words in (
            ("lower", "lower after changing"),
            ("higher", "higher after changing"),
            ("not settled", "not settled for"),
            ("diverged", "training diverged after changing"),
        ):
            names = [change for change in by_change if effects[change] == outcome]
            if names:
                costs = [f"`{change}` ({_seeds_cost(by_change[change])})" for change in names]
                parts.append(f"{words} {listing(costs)}")
        whose = "repaired" if direction == BACK else "as printed"
        statements.append(
            f"**{_WHOSE[role]} cost**, {_seeds_cost(base)} {whose} and unchanged, is {'; '.join(parts)}."
            f"{_way(rows, role, direction)}"
        )
    return statements


def _way(rows: Sequence[VariantRow], role: str, direction: str) -> str:
    """How far one change alone takes a learner's cost from as printed to repaired, or back: of the change that does
    most. Empty if no change does, or as printed and repaired are not apart."""
    target, place, outcome = (BACK, "repaired", "lower") if direction == TOWARDS else (TOWARDS, "as printed", "higher")
    base, end = (at_change(rows, at, "").get(role) for at in (direction, target))
    if base is None or base.measured is None or end is None or end.measured is None or effect(end, base) != outcome:
        return ""
    start_cost, end_cost = base.measured.cost.mean, end.measured.cost.mean
    gone = {
        row.change: (row.measured.cost.mean - start_cost) / (end_cost - start_cost)
        for row in rows
        if (row.role, row.direction) == (role, direction) and row.measured and effect(row, base) == outcome
    }
    if not gone:
        return ""
    most = max(gone, key=lambda change: gone[change])
    return f" `{most}` alone goes {share(gone[most], 0)} of the way to {place} ({cost(end_cost)})."


def _seeds_cost(row: VariantRow) -> str:
    if row.measured is None:
        return "every seed lost"
    lost = f", {row.trained - row.evaluated} of {row.trained} seeds lost" if row.evaluated < row.trained else ""
    return f"{cost(row.measured.cost.mean)}{lost}"


def _names(changes: Iterable[str]) -> str:
    return listing([f"`{change}`" for change in changes])


def _table(caption: str, rows: Sequence[VariantRow], direction: str) -> Table:
    roles = [role for role in ROLES if any(row.role == role and row.direction == direction for row in rows)]
    base = at_change(rows, direction, "")
    fields: list[Field[ByRole]] = [
        Field("Changed", lambda by_role: _label(next(iter(by_role.values()))), words=True),
        Field("Setting", lambda by_role: _setting(by_role), words=True),
        *(
            Field(f"{ROLES[role]}: cost", lambda by_role, role=role: _cost_cell(by_role.get(role), base.get(role)))
            for role in roles
        ),
    ]
    if direction == TOWARDS:
        fields.append(Field("Like Fig. 3 of the paper", _alike, words=True))
    return table(caption, fields, [at_change(rows, direction, change) for change in changes_of(rows, direction)])


def _label(row: VariantRow) -> str:
    mark = f" {_OTHER_READING}" if is_other_reading(row.change) else ""
    return f"{sentence(row.change_label).removesuffix('.')}{mark}" if row.change else "nothing"


def _setting(by_role: ByRole) -> str:
    return "; ".join(f"`{setting}`{who}" for setting, who in settings_of(by_role))


def _alike(by_role: ByRole) -> str:
    answer = looks_as_printed(by_role)
    return "not known: not all three were trained" if answer == "unknown" else answer


def _cost_cell(row: VariantRow | None, base: VariantRow | None = None) -> TableCell:
    """Mean cost over the seeds that were not lost; in small print their range and what became of the others."""
    if row is None:
        return TableCell("–")
    small = []
    if row.measured is not None and row.evaluated > 1:
        small.append(f"{number(min(row.measured.unit_cost))} to {number(max(row.measured.unit_cost))}")
    if base is not None and row is not base and (word := effect(row, base)) in {"lower", "higher", "not settled"}:
        small.append(word)
    if row.diverged:
        lost = row.trained - row.evaluated
        small.append(f"{row.diverged} of {row.trained} seeds diverged" + (f", {lost} left out" if lost else ""))
    main = "lost" if row.measured is None else number(row.measured.cost.mean)
    return TableCell(main, "; ".join(small))


def _peers(rows: Sequence[VariantRow], slots: str, made: Made) -> list[Block]:
    fields: list[Field[VariantRow]] = [
        Field("Learner", lambda row: ROLES[row.role], words=True),
        Field("Library", lambda row: "Stable-Baselines3" if row.library else "twinsync", words=True),
        Field("Cost of a slot", _cost_cell),
        Field(
            "Latency of a slot [s]",
            lambda row: number(math.nan if row.measured is None else row.measured.latency_s.mean, 2),
        ),
        Field("Trained on [slots]", lambda row: number(row.training_slots, 0)),
        Field("Seeds", lambda row: str(row.trained)),
    ]
    sentences = [words for role in (SAC, PPO) if (words := _agreement(rows, role))]
    return [
        Paragraph(
            "Stable-Baselines3's learners on the Gymnasium interface of the same environment, with identical settings "
            "but for SAC's initial weights, which are PyTorch's usual ones. "
            f"Costs are means over training seeds on {slots}. Small print: the lowest and the highest seed. Made by "
            f"`{made.command}`."
        ),
        table("", fields, rows),
        *([Bullets(sentences)] if sentences else []),
    ]


def _agreement(rows: Sequence[VariantRow], role: str) -> str:
    """How the other library's cost compares with ours, and whether the seeds overlap."""
    ours = next((row for row in rows if row.role == role and not row.library), None)
    theirs = next((row for row in rows if row.role == role and row.library), None)
    if ours is None or theirs is None or ours.measured is None or theirs.measured is None:
        return ""
    apart = 100.0 * (theirs.measured.cost.mean / ours.measured.cost.mean - 1.0)
    words = (
        f"**{ROLES[role]}**: Stable-Baselines3's cost is {number(abs(apart))}{NBSP}% "
        f"{'higher' if apart >= 0 else 'lower'} than ours"
    )
    if ours.evaluated + theirs.evaluated < ours.trained + theirs.trained:
        return f"{words}, without the seeds that were lost."
    overlap = effect(theirs, ours) == "not settled"
    counts = f"{theirs.trained} seeds of theirs and {ours.trained} of ours"
    if overlap:
        return f"{words}; the ranges of {counts} overlap."
    rarely = _chance(theirs.trained, ours.trained)
    return (
        f"{words}; the ranges of {counts} do not overlap, which those of equal learners would do in {rarely} of cases."
    )


def _span(counts: Iterable[int]) -> str:
    values = list(counts) or [0]
    ends = dict.fromkeys(f"{count:,}" for count in (min(values), max(values)))
    return " to ".join(ends)
