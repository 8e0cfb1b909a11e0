"""The study's page, study.md: what was run, the results, what breaks and why, and how to run it again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from twinsync.experiments.columns import TableCell
from twinsync.experiments.formatting import NBSP, change, duration, listing, number, sentence, share
from twinsync.experiments.report.document import Block, Bullets, Code, Document, Heading, Paragraph, Picture, Table
from twinsync.experiments.report.findings import WORSE
from twinsync.experiments.report.markdown import to_markdown
from twinsync.experiments.study.figures import write_figures
from twinsync.experiments.study.plan import GRID, PEER, TOGETHER, TUNED
from twinsync.experiments.study.record import DIVERGED, FELL_BACK, RunRecord, StudyFolder, read_study
from twinsync.learning.divergence import MARGIN
from twinsync.learning.presets import TUNED_REASONS
from twinsync.writing import whole_file

PAGE = "study.md"
_COSTS = ("final cost", "best of the curve", "end of the curve")
_ADDED_UP = "|Q| in slots' rewards"


def write_page(out: Path) -> Path:
    """Write the figures and study.md of a study from the raw files in `out`; return the page's path."""
    study = read_study(out)
    write_figures(study)
    page = out / PAGE
    with whole_file(page) as partial:
        partial.write_text(to_markdown(build(study)), "utf-8")
    return page


def build(study: StudyFolder) -> Document:
    """The page as blocks."""
    file = study.file
    where = f"Preset `{file.scenario}`" + "".join(f", `{item}`" for item in file.overrides)
    blocks: list[Block] = [*_method(study)]
    if study.of(GRID):
        blocks += _grid(study)
    if study.of(TUNED):
        blocks += _tuned(study)
    if study.of(PEER):
        blocks += _peer(study)
    return Document(
        "What breaks soft actor-critic here, and what repairs it",
        f"{where}; {_size(study)}.",
        [*blocks, *_again(study)],
    )


def _size(study: StudyFolder) -> str:
    budget = study.file.budget
    return (
        f"{budget['slots']:,} environment slots and {budget['seeds']} training seed{_s(budget['seeds'])} per run, "
        f"hidden layers of {budget['width']} units in the paper's networks"
    )


def _method(study: StudyFolder) -> list[Block]:
    budget = study.file.budget
    learning = study.file.learning
    changed = f", with {listing([f'`{key} = {value}`' for key, value in learning.items()])}" if learning else ""
    optimum = study.optimum
    reference = (
        "" if optimum is None else f" The exact optimum, which knows the channel, costs {number(optimum)} on them."
    )
    return [
        Heading("Method"),
        Paragraph(
            "The paper prints a discount γ = 0.99 and a target network that is copied every 320 updates; it does not "
            "say whether values stop at the end of a cycle. No action affects a later slot, so γ = 0 loses nothing. "
            "The first part varies only these three settings, with the paper's flat networks and its other settings"
            f"{changed}. The second starts from the tuned preset and puts its settings back to the paper's one by one."
        ),
        Paragraph(
            "Final costs T[n] + P are those of the deterministic policies at the end of training: means over "
            f"{budget['evaluation_slots']} x {budget['evaluation_seeds']} fresh slots, the same for every run, with "
            f"95 % intervals over training seeds.{reference} Learning curves evaluate the policies on other, fixed "
            "slots."
        ),
        Bullets(
            [
                f"A seed **{FELL_BACK}** if its cost ends more than {share(WORSE, 0)} above the best of its curve.",
                f"A seed **{DIVERGED}** if its weights are no longer finite, or if its critic's mean |Q| exceeds "
                f"{MARGIN:g} times the largest possible return: the largest reward seen times the sum of the "
                "discounts, which is (1 − γ^N) / (1 − γ) if values stop after N slots and 1 / (1 − γ) otherwise, plus "
                "the entropy's part.",
            ]
        ),
    ]


def _grid(study: StudyFolder) -> list[Block]:
    runs = study.of(GRID)
    rows = [
        [
            *_place(run.settings), *_costs(run), *_outcome(run), number(run.values.slots_of_reward),
            _share(run.values.share), duration(run.training_s),
        ]
        for run in runs
    ]  # fmt: skip
    header = ["γ", "cycle end", "target", *_COSTS, "fell back", "diverged", _ADDED_UP, "of its bound", "training"]
    caption = f"Means over seeds. {_ADDED_UP}: mean |Q| at the end, divided by the mean |reward| of one slot."
    return [
        Heading("Discount, cycle end, target"),
        Paragraph(_summary(runs)),
        Table(caption, header, rows, words=(1, 2)),
        Picture(
            "learning_curves",
            "Cost of the deterministic policy on fixed slots during training; means over seeds with 95 % bands. "
            "Untrained policies lie above the frame; a cross marks where the weights of a seed became non-finite.",
            "Learning curves by discount; " + _short(runs),
        ),
        Picture(
            "critics",
            "Mean |Q| of the critic, or of its targets if that is larger, and the bound (dotted).",
            "Mean absolute action value by discount, against its bound.",
        ),
        Heading("What goes wrong, and why"),
        Bullets([_trouble(run) for run in runs if run.why] or ["No run of this part fell back or diverged."]),
        Paragraph(_reason(runs)),
    ]


def _place(settings: dict[str, Any]) -> list[str]:
    plain = settings["discount"] == 0
    return [f"{settings['discount']:g}", *("–" if plain else settings[key] for key in ("cycle_end", "target"))]


def _summary(runs: list[RunRecord]) -> str:
    bad = {outcome: [run for run in runs if run.outcome == outcome] for outcome in (FELL_BACK, DIVERGED)}
    fell_back, diverged = len(bad[FELL_BACK]), len(bad[DIVERGED])
    counts = f"Of {len(runs)} runs, {fell_back} fell back and {diverged} diverged, in at least one seed."
    if len(runs) == 1:
        counts = f"The one run {f'{runs[0].outcome} in at least one seed' if fell_back or diverged else 'is steady'}."
    judged = [run for run in runs if not math.isnan(run.final_cost.mean)]
    if len(judged) < 2:
        return counts
    best, worst = (pick(judged, key=lambda run: run.final_cost.mean) for pick in (min, max))
    return (
        f"{counts} The lowest final cost is {number(best.final_cost.mean)} ({best.label}), the highest "
        f"{number(worst.final_cost.mean)} ({worst.label})."
    )


def _reason(runs: list[RunRecord]) -> str:
    """Why bootstrapping hurts here, with this study's own numbers."""
    reason = (
        "An action affects the reward of its own slot and nothing after it. A critic with γ > 0 has to learn that "
        "reward plus the rewards of later slots, which do not depend on the action. The actor thus looks for "
        "differences in one slot's reward within a sum over many, and every error in that sum looks to it like a "
        "difference between actions. If values do not stop at the end of a cycle, every target includes the critic's "
        "own estimate, and the sum covers 1 / (1 − γ) slots."
    )
    sums = [run for run in runs if run.bootstraps and not math.isnan(run.values.slots_of_reward)]
    if sums:
        largest = max(sums, key=lambda run: run.values.slots_of_reward)
        reason += (
            f" At the end of {largest.label}, mean |Q| is {number(largest.values.slots_of_reward)} times the mean "
            "reward of a slot."
        )
    silent = [run for run in runs if run.outcome == FELL_BACK]
    if silent:
        where = f"In {len(silent)} of {len(runs)} runs, the" if len(runs) > 1 else "The"
        reason += (
            f" {where} policy fell back although |Q| stayed within what the rewards allow: the critic gave no sign of "
            "it."
        )
    return reason


def _tuned(study: StudyFolder) -> list[Block]:
    runs = study.of(TUNED)
    base = next((run for run in runs if run.name == "tuned"), None)
    mean = math.nan if base is None else base.final_cost.mean
    rows = []
    for run in runs:
        first = run.changed[0] if run.changed else ""
        rows.append([
            f"`{run.label}`" if first else "tuned", *_costs(run)[:1],
            change(run.final_cost.mean, mean) if first else "",
            *_outcome(run), duration(run.training_s), sentence(TUNED_REASONS[first]) if first else "",
        ])  # fmt: skip
    notes = [f"`{name}` is put back together with `{other}`: {why}." for name, (other, why) in TOGETHER.items()]
    if not any("hidden" in run.changed for run in runs):
        width = study.file.budget["width"]
        notes.append(f"`hidden` is not put back: at this budget the paper's networks are {width} wide, as tuned.")
    header = ["put back", "final cost", "against tuned", "fell back", "diverged", "training", "why it was changed"]
    return [
        Heading("The tuned settings, put back one by one"),
        Table(
            "Final cost with one setting put back to the paper's, and the reason why that setting was changed.",
            header,
            rows,
            words=(0, 6),
            strong=(0,) if base is not None else (),
        ),
        Picture(
            "tuned",
            "Final cost on fresh slots, best first: small dots are training seeds, the large dot their mean; red if a "
            "seed fell back or diverged.",
            "Final costs of the tuned settings put back one by one.",
        ),
        Bullets([*notes, *(_trouble(run) for run in runs if run.why)]),
    ]


def _peer(study: StudyFolder) -> list[Block]:
    named = {run.name: run for run in study.file.runs}
    rows = []
    for run in study.of(PEER):
        ours = named.get(run.name.removeprefix("sb3-") + "-soft")
        for library, one in (("twinsync", ours), ("Stable-Baselines3", run)):
            if one is not None:
                values = one.values
                rows.append([one.settings["cycle_end"], library, *_costs(one), *_outcome(one),
                             number(values.slots_of_reward), duration(one.training_s)])  # fmt: skip
    return [
        Heading("The same with Stable-Baselines3"),
        Paragraph(
            "Stable-Baselines3's SAC on the Gymnasium interface of the same environment, with γ = 0.99, a soft target, "
            "otherwise the settings of the first part, and rewards divided by 10 K like ours; evaluated on the same "
            "slots. Its seeds are trained one after the other, ours in parallel."
        ),
        Table(
            "", ["cycle end", "library", *_COSTS, "fell back", "diverged", _ADDED_UP, "training"], rows, words=(0, 1)
        ),
        Picture("peer", "The same settings in two libraries.", "Learning curves of twinsync and Stable-Baselines3."),
        *([Bullets(troubles)] if (troubles := [_trouble(run) for run in study.of(PEER) if run.why]) else []),
    ]


def _again(study: StudyFolder) -> list[Block]:
    file = study.file
    spent = sum(run.training_s for run in file.runs)
    versions = ", ".join(f"{name} {version}" for name, version in file.versions.items())
    revision = file.git_revision
    return [
        Heading("How to run it again"),
        Code(file.command or "twinsync study sac"),
        Paragraph(
            f"{len(file.runs)} run{_s(len(file.runs))}, {duration(spent)} of training in total; root seed {file.seed}. "
            + (f"Revision {revision}. " if revision else "")
            + f"{file.machine}, {file.device}; {versions}. "
            "All numbers come from `study.json` and all curves from `curves.csv`; each run has a folder in `runs/`."
        ),
    ]


def _costs(run: RunRecord) -> list[TableCell | str]:
    final = run.final_cost
    interval = "" if math.isnan(final.low) else f"{number(final.low)} to {number(final.high)}"
    cost = TableCell(number(final.mean), interval)
    return [cost, _mean([seed.best_cost for seed in run.curve]), _mean([seed.end_cost for seed in run.curve])]


def _outcome(run: RunRecord) -> list[str]:
    return [f"{len(which)}{NBSP}of{NBSP}{run.seeds}" if which else "–" for which in (run.fell_back, run.diverged)]


def _trouble(run: RunRecord) -> str:
    count = len(run.diverged if run.outcome == DIVERGED else run.fell_back)
    return f"**{run.label}** {run.outcome} in {count} of {run.seeds} seed{_s(run.seeds)}: {run.why}."


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _short(runs: list[RunRecord]) -> str:
    return "; ".join(f"{run.label} ends at {_mean([seed.end_cost for seed in run.curve])}" for run in runs)


def _mean(values: list[float]) -> str:
    numbers = [value for value in values if not math.isnan(value)]
    return number(sum(numbers) / len(numbers)) if numbers else "–"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else share(value)
