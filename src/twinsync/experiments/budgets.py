"""How much of Table III a reproduction affords, and the schemes it compares."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from twinsync.errors import InputError
from twinsync.learning.settings import (
    GRADIENT_CSI,
    PPO_TUNED,
    SAC_TUNED,
    TUNED_REASONS,
    GradientSettings,
    PpoSettings,
    SacSettings,
    Settings,
)


@dataclass(frozen=True)
class Budget:
    """A size of reproduction.

    slots: environment slots for SAC and PPO in the comparison at the preset. sweep_slots: the same at the points of
    sweeps. width: hidden layers of the paper's own networks. thin: sweeps take the ends and the middle of an axis.
    """

    name: str
    slots: int
    sweep_slots: int
    width: int
    seeds: int
    evaluation_slots: int
    evaluation_seeds: int
    stretches: int
    thin: bool = False

    def note(self) -> str:
        """What differs from Table III, for the report."""
        full = SacSettings()
        changes = []
        if self.slots != full.slots:
            changes.append(f"{self.slots:,} environment slots for SAC and PPO instead of 20 x 5,000 = {full.slots:,}")
        if self.width != full.hidden[0]:
            changes.append(f"hidden layers of {self.width} instead of {full.hidden[0]} in the paper's networks")
        if self.sweep_slots != self.slots:
            changes.append(f"{self.sweep_slots:,} at the points of sweeps")
        if self.thin:
            changes.append("three values an axis")
        shrunk = "; ".join(changes) if changes else "nothing shrunk"
        return f"{shrunk}; {self.seeds} training seeds"


BUDGETS = {
    "quick": Budget("quick", 20_480, 6_400, 64, 3, 500, 4, 20, thin=True),
    "laptop": Budget("laptop", 20_480, 10_240, 128, 5, 1000, 5, 20),
    "full": Budget("full", 100_000, 100_000, 256, 10, 1000, 10, 40),
}


def find_budget(name: str) -> Budget:
    """The budget called `name`, or `InputError`."""
    if name not in BUDGETS:
        raise InputError(f"unknown budget {name!r}; give one of {', '.join(BUDGETS)}")
    return BUDGETS[name]


@dataclass(frozen=True)
class Contender:
    """A scheme of the comparison; `settings` is None where nothing is trained."""

    name: str
    label: str
    group: str  # paper, fixed, reference, heuristic
    description: str
    settings: Settings | None = None

    def as_json(self) -> dict[str, Any]:
        """What the report is told of it."""
        return {
            "name": self.name,
            "label": self.label,
            "group": self.group,
            "description": self.description,
            "settings": {} if self.settings is None else dataclasses.asdict(self.settings),
            "deviations": [] if self.settings is None else deviations(self.settings),
        }


def contenders(budget: Budget) -> list[Contender]:
    """All schemes, learned ones first."""
    widths = (budget.width, budget.width)
    tuned = dataclasses.replace(SAC_TUNED, slots=budget.slots)
    return [
        Contender(
            "sac-tuned", "SAC, tuned", "fixed",
            "The paper's SAC with the settings that this problem needs: no bootstrapping, shares, set networks.", tuned,
        ),
        Contender(
            "sac-paper", "SAC, paper settings", "paper",
            "Algorithm 1 with Table III.", SacSettings(slots=budget.slots, hidden=widths),
        ),
        Contender(
            "ppo-tuned", "PPO, tuned", "fixed",
            "PPO with the same changes as the tuned SAC.", dataclasses.replace(PPO_TUNED, slots=budget.slots),
        ),
        Contender(
            "ppo-paper", "PPO, usual settings", "paper",
            "PPO, of which the paper prints no setting; gamma of Table III.",
            PpoSettings(slots=budget.slots, hidden=widths),
        ),
        Contender(
            "random-strategy", "Random strategy", "fixed",
            "phi uniform in [phi_min, 1] in each slot and shown to the policy; the rest by the tuned SAC.",
            dataclasses.replace(tuned, extraction="random"),
        ),
        Contender(
            "without-sc", "w/o SC", "fixed",
            "phi = 1, extraction and recovery still charged; the rest by the tuned SAC.",
            dataclasses.replace(tuned, extraction="none"),
        ),
        Contender(
            "gradient", "Gradient", "fixed",
            "A set network trained by the gradient of the expected cost; sees what SAC sees.", GradientSettings(),
        ),
        Contender(
            "gradient-csi", "Gradient, channel known", "fixed",
            "The same, told the slot's channel gains.", GRADIENT_CSI,
        ),
        Contender("optimum", "Optimum", "reference", "Exact minimiser of T[n] + P, the channel known, certified."),
        Contender(
            "expected", "Expected optimum", "reference",
            "Least expected T[n] + P of a decision-maker that does not know the channel.",
        ),
        Contender(
            "random-extraction", "Random phi, rest optimal", "reference",
            "phi uniform, all else exactly optimal for it, the channel known.",
        ),
        Contender(
            "no-semantics", "phi = 1, rest optimal", "reference",
            "phi = 1, all else exactly optimal, the channel known.",
        ),
        Contender(
            "raw", "Raw data, rest optimal", "reference",
            "Raw data sent; nothing extracted, recovered or charged for it; the power optimal, the channel known.",
        ),
        Contender(
            "equal-share", "Equal share", "heuristic",
            "phi the geometric mean of its bounds, 90 % CPU, full power, equal edge CPU.",
        ),
        Contender("random", "Random allocation", "heuristic", "Every variable uniform within its bounds."),
    ]  # fmt: skip


HEADLINE_LEARNER = "sac-tuned"
HEADLINE_BENCHMARKS = ["ppo-tuned", "ppo-paper", "random-strategy", "without-sc"]


def deviations(settings: Settings) -> list[dict[str, str]]:
    """Where settings differ from Table III and the conventions, and why."""
    if isinstance(settings, GradientSettings):
        return []  # the paper has nothing to differ from
    plain = SacSettings() if isinstance(settings, SacSettings) else PpoSettings()
    rows = []
    for item in dataclasses.fields(plain):
        before, after = getattr(plain, item.name), getattr(settings, item.name)
        if before == after:
            continue
        reason = TUNED_REASONS.get(item.name, "")
        if item.name == "slots" or (item.name == "hidden" and settings.architecture == plain.architecture):
            reason = "to fit the budget"
        if item.name == "extraction":
            reason = "this is the benchmark"
        rows.append({"setting": item.name, "paper": _text(before), "here": _text(after), "reason": reason})
    return rows


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " x ".join(str(part) for part in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def learning_constants() -> list[dict[str, Any]]:
    """Table III and the conventions beside it, in the shape of the scenario's list of constants."""
    return [
        {
            "key": item.name,
            "symbol": item.metadata["symbol"],
            "value": item.default if not isinstance(item.default, tuple) else list(item.default),
            "text": _text(item.default),
            "unit": "",
            "tag": item.metadata["tag"],
            "source": item.metadata["source"],
            "meaning": item.metadata["meaning"],
            "bound": "",
        }
        for item in dataclasses.fields(SacSettings)
    ]
