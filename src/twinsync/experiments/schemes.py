"""The budgets, which set how much of Table III a reproduction computes, and the schemes it compares."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from twinsync.errors import InputError
from twinsync.experiments.constants import setting_text
from twinsync.experiments.records import Deviation, Scheme, Sign
from twinsync.learning.presets import GRADIENT_CSI, PPO_TUNED, SAC_TUNED, TUNED_REASONS
from twinsync.learning.settings import GradientSettings, PpoSettings, SacSettings, Settings
from twinsync.storage import plain
from twinsync.suggest import did_you_mean


@dataclass(frozen=True)
class Budget:
    """A size of reproduction.

    slots: environment slots for SAC and PPO, in the comparison at the preset and at the points of sweeps. width: units
    in each hidden layer of the networks as printed. seeds: training seeds. thin: whether sweeps use only the ends and
    the middle of an axis. printed: whether the schemes as printed are trained; otherwise reports show the recorded
    ones. sweep_seeds: training seeds at the points of sweeps, if different. repaired_sweeps: whether sweeps train the
    repaired schemes.
    """

    name: str
    slots: int
    width: int
    seeds: int
    evaluation_slots: int
    evaluation_seeds: int
    stretches: int
    thin: bool = False
    printed: bool = False
    sweep_seeds: int | None = None
    repaired_sweeps: bool = True

    @property
    def seeds_of_sweeps(self) -> int:
        """Training seeds at the points of sweeps."""
        return self.sweep_seeds or self.seeds

    def with_seeds(self, seeds: int | None) -> Budget:
        """The budget with `seeds` training seeds everywhere; unchanged for None."""
        return self if seeds is None else dataclasses.replace(self, seeds=seeds, sweep_seeds=None)

    def note(self, *, paper: bool = True) -> str:
        """How the budget differs from Table III, for the report.

        paper: whether the paper's own evaluation is computed; a user's sweep has points and schemes of its own.
        """
        changes = []
        if self.slots != TABLE_III.slots:
            shrunk = f"{self.slots:,} environment slots for SAC and PPO instead of 20 x 5,000 = {TABLE_III.slots:,}"
            changes.append(shrunk)
        if self.printed and self.width != TABLE_III.hidden[0]:
            changes.append(f"hidden layers of {self.width} instead of {TABLE_III.hidden[0]} in the networks as printed")
        if paper and not self.printed:
            changes.append("the schemes as printed are not trained")
        if paper and self.thin:
            changes.append("three values per axis")
        if paper and not self.repaired_sweeps:
            changes.append("sweeps leave out the repaired schemes")
        seeds = f"{self.seeds} training seed{'' if self.seeds == 1 else 's'}"
        if self.sweep_seeds:
            seeds += f", {self.sweep_seeds} at the points of sweeps that are not the preset's"
            seeds += " and where a setting of SAC or the random strategy is changed" * paper
        return f"{'; '.join(changes) if changes else 'nothing shrunk'}; {seeds}"

    @property
    def as_table_iii(self) -> bool:
        """Whether the schemes as printed have the printed size."""
        return (self.slots, self.width) == (TABLE_III.slots, TABLE_III.hidden[0])


TABLE_III = SacSettings()

BUDGETS = {
    "quick": Budget("quick", 8_192, 64, 3, 500, 4, 20, thin=True),
    "laptop": Budget("laptop", 20_480, 128, 5, 1000, 5, 20),
    "printed": Budget(
        "printed", 100_000, 256, 5, 1000, 5, 40, thin=True, printed=True, sweep_seeds=2, repaired_sweeps=False
    ),
    "full": Budget("full", 100_000, 256, 10, 1000, 10, 40, printed=True),
}


def find_budget(name: str) -> Budget:
    """The budget called `name`, or `InputError`."""
    if name not in BUDGETS:
        raise InputError(f"unknown budget {name!r}{did_you_mean(name, BUDGETS)}; give one of {', '.join(BUDGETS)}")
    return BUDGETS[name]


@dataclass(frozen=True)
class SchemePlan:
    """A scheme of the comparison. settings: None if nothing is trained.

    library: the library that implements the learner, empty for ours; see `compute.cell`. path: where the allocator of
    the user's is found, if not by `name`.
    """

    name: str
    label: str
    group: str  # paper, fixed, reference, heuristic
    description: str
    settings: Settings | None = None
    library: str = ""
    path: str = ""

    @property
    def allocator(self) -> str:
        """The name to look the allocator up by; empty for a learner."""
        return "" if self.settings else self.path or self.name

    def record(self, diverged: tuple[Sign, ...] | None = None) -> Scheme:
        """Its record in the raw files. diverged: signs of divergence, if it was trained."""
        return Scheme(
            name=self.name,
            label=self.label,
            group=self.group,
            description=self.description,
            settings={} if self.settings is None else plain(dataclasses.asdict(self.settings)),
            deviations=() if self.settings is None else tuple(deviations(self.settings)),
            diverged=None if self.settings is None else diverged,
        )


def all_schemes(budget: Budget) -> list[SchemePlan]:
    """All schemes of the comparison, learned ones first."""
    return [*(printed_schemes(budget) if budget.printed else ()), *repaired_schemes(budget), *_others()]


def printed_schemes(budget: Budget) -> list[SchemePlan]:
    """The four schemes of Section V with Table III, each on its own decisions."""
    size = {"slots": budget.slots, "hidden": (budget.width, budget.width)}
    sac, ppo = SacSettings(**size), PpoSettings(**size)
    # A smaller run must not carry the label of the paper's scheme.
    small = "" if budget.as_table_iii else f", {budget.slots:,} slots, width {budget.width}"
    return [
        SchemePlan(
            "sac-paper", f"SAC (as printed{small})", "paper", "Algorithm 1 with Table III.", sac,
        ),
        SchemePlan(
            "ppo-paper", f"PPO (as printed{small})", "paper",
            "PPO with gamma and size of Table III and otherwise the usual settings, since the paper prints none.", ppo,
        ),
        SchemePlan(
            "random-strategy-paper", f"Random strategy (as printed{small})", "paper",
            "phi uniform in [phi_min, 1] in each slot and shown to the policy; the rest by SAC as printed.",
            dataclasses.replace(sac, extraction="random"),
        ),
        SchemePlan(
            "without-sc-paper", f"w/o SC (as printed{small})", "paper",
            "phi = 1, extraction and recovery still charged; the rest by SAC as printed.",
            dataclasses.replace(sac, extraction="none"),
        ),
    ]  # fmt: skip


def repaired_schemes(budget: Budget) -> list[SchemePlan]:
    """The same four with settings that fit the problem."""
    sac = dataclasses.replace(SAC_TUNED, slots=budget.slots)
    return [
        SchemePlan(
            "sac-tuned", "SAC (repaired)", "fixed",
            "The paper's SAC with the settings that this problem needs: no bootstrapping, shares, set networks.", sac,
        ),
        SchemePlan(
            "ppo-tuned", "PPO (repaired)", "fixed",
            "PPO with those changes of the repaired SAC that it has settings for, and a learning rate, rollouts and "
            "advantage estimates of its own.", dataclasses.replace(PPO_TUNED, slots=budget.slots),
        ),
        SchemePlan(
            "random-strategy", "Random strategy (repaired)", "fixed",
            "phi uniform in [phi_min, 1] in each slot and shown to the policy; the rest by the repaired SAC.",
            dataclasses.replace(sac, extraction="random"),
        ),
        SchemePlan(
            "without-sc", "w/o SC (repaired)", "fixed",
            "phi = 1, extraction and recovery still charged; the rest by the repaired SAC.",
            dataclasses.replace(sac, extraction="none"),
        ),
    ]  # fmt: skip


def _others() -> list[SchemePlan]:
    """Training by gradient descent, exact references and heuristics: the same in every budget."""
    return [
        SchemePlan(
            "gradient", "Gradient", "fixed",
            "A set network trained by the gradient of the expected cost; sees what SAC sees.", GradientSettings(),
        ),
        SchemePlan(
            "gradient-csi", "Gradient (channel known)", "fixed",
            "The same, told the slot's channel gains.", GRADIENT_CSI,
        ),
        SchemePlan("optimum", "Optimum", "reference", "Exact minimiser of T[n] + P, the channel known, certified."),
        SchemePlan(
            "expected", "Expected optimum", "reference",
            "Least expected T[n] + P of a decision-maker that does not know the channel.",
        ),
        SchemePlan(
            "random-extraction", "Random phi (rest optimal)", "reference",
            "phi uniform, all else exactly optimal for it, the channel known.",
        ),
        SchemePlan(
            "no-semantics", "phi = 1 (rest optimal)", "reference",
            "phi = 1, all else exactly optimal, the channel known.",
        ),
        SchemePlan(
            "raw", "Raw data (rest optimal)", "reference",
            "Raw data sent; nothing extracted, recovered or charged for it; the power optimal, the channel known.",
        ),
        SchemePlan(
            "equal-share", "Equal share", "heuristic",
            "phi the geometric mean of its bounds, 90 % CPU, full power, equal edge CPU.",
        ),
        SchemePlan("random", "Random allocation", "heuristic", "Every variable uniform within its bounds."),
    ]  # fmt: skip


HEADLINE_LEARNER = "sac-tuned"
HEADLINE_BENCHMARKS = ["ppo-tuned", "random-strategy", "without-sc"]


_AS_PRINTED: dict[type, SacSettings | PpoSettings] = {SacSettings: SacSettings(), PpoSettings: PpoSettings()}


def deviations(settings: Settings) -> list[Deviation]:
    """Differences from Table III and the conventions, with reasons. Raises `InputError` for an unknown learner."""
    if isinstance(settings, GradientSettings):
        return []  # the paper has no such learner
    if type(settings) not in _AS_PRINTED:
        raise InputError(f"no settings of the paper to compare {type(settings).__name__} with; add them to _AS_PRINTED")
    plain = _AS_PRINTED[type(settings)]
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
        rows.append(Deviation(item.name, setting_text(before), setting_text(after), reason))
    return rows
