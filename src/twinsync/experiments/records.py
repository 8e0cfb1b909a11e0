"""The types of all raw files, used both to write and to read them.

Unknown numbers are null in JSON and NaN in memory, see `twinsync.storage`. `results` has the file names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from twinsync.storage import UNKNOWN, ByName, Number, Numbers, Record, Rows


class Estimate(Record, frozen=True, omit_defaults=True, rename={"low": "ci_low", "high": "ci_high"}):
    """A mean with its 95 % interval, median and 95th percentile; NaN for those not known."""

    mean: Number
    low: Number = UNKNOWN
    high: Number = UNKNOWN
    median: Number = UNKNOWN
    p95: Number = UNKNOWN

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval are known."""
        return not (math.isnan(self.low) or math.isnan(self.high))


NOTHING = Estimate(math.nan)


class Pair(Record, frozen=True):
    """One scheme minus another on the same slots, and how far it lies below the other [%].

    unit: the unit of replication, repeated `unit_count` times.
    """

    latency_s: Estimate
    latency_reduction_percent: Estimate
    cost: Estimate
    cost_reduction_percent: Estimate
    unit: str
    unit_count: int


class Measured(Record, frozen=True, omit_defaults=True):
    """The measurements of one scheme; `summary.DEFINITIONS` describes each figure of merit.

    gap_to_optimum, gap_to_expected: None without such a reference. `*_parts_*`: means per slot, summed over the
    devices, by stage. unit: the unit of replication, repeated `unit_count` times: training seeds or sets of slots.
    unit_*: the mean of each unit. training_slots, training_seeds: NaN if nothing is trained or the number is not known.
    energy_excess_j, radio_load: NaN in evaluations from before these figures existed; there, the unit_* with a default
    are empty.
    """

    latency_s: Estimate
    cost: Estimate
    gap_to_optimum: Estimate | None
    gap_to_expected: Estimate | None
    penalty: Number
    energy_j: Number
    jain_index: Number
    deadline_miss_rate: Number
    deadline_completion_ratio: Number
    energy_violation_rate: Number
    outage_rate: Number
    sensing_violation_rate: Number
    edge_cpu_violation_rate: Number
    bounds_violation_rate: Number
    age_of_information_s: Number
    slot_end_age_s: Number
    age_with_late_updates_s: Number
    extraction_factor: Number
    device_cpu_hz: Number
    transmit_power_w: Number
    edge_cpu_hz: Number
    sent_bits: Number
    latency_parts_s: ByName
    energy_parts_j: ByName
    unit: str
    unit_count: int
    unit_latency_s: Numbers
    unit_cost: Numbers
    unit_latency_parts_s: dict[str, Numbers] = msgspec.field(default_factory=dict)
    unit_sent_bits: Numbers = ()
    training_slots: Number = UNKNOWN
    training_seeds: Number = UNKNOWN
    energy_excess_j: Number = UNKNOWN
    radio_load: Number = UNKNOWN


class Certificate(Record, frozen=True):
    """The optimum's mean cost, and the largest relative distance in any slot that it can have from the true minimum."""

    cost: Number
    relative_gap: Number


class IntervalMethod(Record, frozen=True, omit_defaults=True):
    """How intervals were computed. resamples: of a bootstrap; 0 without one."""

    level: float
    method: str
    resamples: int = 0


class Evaluation(Record, frozen=True, kw_only=True, omit_defaults=True):
    """All schemes in one scenario on the same slots: evaluation.json, and the evaluation at a point of a sweep, which
    omits scenario and definitions. `paired[A][B]` is A against B."""

    scenario: dict[str, Any] = msgspec.field(default_factory=dict)
    slots: int
    seeds: int
    seed: int
    interval: IntervalMethod
    optimum: Certificate | None
    allocators: dict[str, Measured]
    paired: dict[str, dict[str, Pair]]
    notes: tuple[str, ...]
    definitions: dict[str, str] = msgspec.field(default_factory=dict)

    def pair(self, scheme: str, other: str) -> Pair | None:
        """One scheme against another; None if they were not evaluated together."""
        return self.paired.get(scheme, {}).get(other)


class Axis(Record, frozen=True, omit_defaults=True):
    """An axis of constants that change together. label, unit: for display; numbers are shown in `unit`, or in SI units
    if it is empty.

    values: for a sweep to be run, a row per point with a value per key, as `--set` takes them; results omit them.
    """

    keys: tuple[str, ...]
    label: str
    unit: str
    values: tuple[tuple[str, ...], ...] = ()

    @property
    def title(self) -> str:
        """The label with its unit, for a chart's axis."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


class Place(Record, frozen=True, rename={"overrides": "set"}):
    """One place on an axis: its position in the axis's unit, its label, and the overrides that define it."""

    x: float
    label: str
    overrides: tuple[str, ...]


class Point(Place, frozen=True):
    """The measurements at one place; every scheme is in the evaluation, or in `missing` with the reason."""

    evaluation: Evaluation
    missing: dict[str, str] = msgspec.field(default_factory=dict)

    def measured(self, scheme: str) -> Measured | None:
        """The measurements of a scheme; None if it is missing."""
        return None if scheme in self.missing else self.evaluation.allocators.get(scheme)


class Sweep(Record, frozen=True, rename={"overrides": "set"}):
    """One sweep: its points in the order of x, and its provenance.

    overrides: constants fixed along the whole axis. schemes: names. figure: the paper's figure it corresponds to, if
    any. Raises `ValueError` for a name without letters or digits, for no or repeated schemes or points, and for a
    scheme that a point neither measures nor lists as missing.
    """

    name: str
    figure: str
    title: str
    axis: Axis
    overrides: tuple[str, ...]
    schemes: tuple[str, ...]
    command: str
    commits: tuple[str, ...]
    training_s: float
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not re.search(r"[A-Za-z0-9]", self.name):
            raise ValueError(f"name {self.name!r} has no letter and no digit")
        for what, values in (("schemes", self.schemes), ("points", [point.x for point in self.points])):
            if not values:
                raise ValueError(f"{self.name}: {what}: empty; expected at least one")
            check_distinct(values, f"{self.name}: {what}")
        for point in self.points:
            for scheme in self.schemes:
                if scheme not in point.evaluation.allocators and scheme not in point.missing:
                    raise ValueError(f"{self.name} at {point.label}: {scheme!r} is neither measured nor in `missing`")
        msgspec.structs.force_setattr(self, "points", tuple(sorted(self.points, key=lambda point: point.x)))

    def lacks(self, scheme: str) -> dict[str, str]:
        """The reason why `scheme` has no mean latency, by label of the points where it has none."""
        reasons = {}
        for point in self.points:
            measured = point.measured(scheme)
            if measured is None:
                reasons[point.label] = point.missing[scheme]
            elif not math.isfinite(measured.latency_s.mean):
                reasons[point.label] = "A training run diverged there, so the mean is not a number"
        return reasons

    @property
    def slug(self) -> str:
        """The name in a form suitable for file names and page ids."""
        return re.sub(r"[^A-Za-z0-9_-]+", "-", self.name)

    @property
    def has_gaps(self) -> bool:
        """Whether the gap to the certified optimum is known for any scheme at any point."""
        measured = [point.measured(scheme) for point in self.points for scheme in self.schemes]
        gaps = [item.gap_to_optimum for item in measured if item is not None]
        return any(gap is not None and math.isfinite(gap.mean) for gap in gaps)


class Sweeps(Record, frozen=True):
    """sweeps.json."""

    sweeps: tuple[Sweep, ...]

    def __post_init__(self) -> None:
        # The slugs become file names, and ids in the page.
        check_distinct([sweep.slug for sweep in self.sweeps], "sweeps: name")


class Deviation(Record, frozen=True):
    """One setting that differs from the paper's, with the reason."""

    setting: str
    paper: str
    here: str
    reason: str


class Sign(Record, frozen=True):
    """Where divergence of one training seed was first detected, and the reason."""

    seed: int
    slots: int
    reason: str


class Scheme(Record, frozen=True, omit_defaults=True):
    """One scheme of the comparison: its key in the raw files, its display name, and its setup.

    group: paper, fixed, reference or heuristic. settings: the learner's; empty if nothing is learned. diverged: signs
    of divergence; None if nothing is learned, and for schemes that only sweeps have.
    """

    name: str
    label: str
    group: str
    description: str
    settings: dict[str, Any]
    deviations: tuple[Deviation, ...]
    diverged: tuple[Sign, ...] | None = None


class ScenarioName(Record, frozen=True):
    """A preset's name or a file, and the changed constants."""

    name: str
    overrides: tuple[str, ...]


class Sizes(Record, frozen=True):
    """The number of slots in each set (`slots`) and the number of sets (`seeds`)."""

    slots: int
    seeds: int


class ResultCounts(Record, frozen=True):
    """The number of results that have been computed, and of those planned."""

    computed: int = 0
    planned: int = 0


class Headline(Record, frozen=True):
    """The learner that a report is about, and the benchmarks it is compared with."""

    learner: str
    benchmarks: tuple[str, ...]


class Manifest(Record, frozen=True, kw_only=True):
    """manifest.json: how the results were made. headline: None without a comparison at the preset.

    versions, device, machine: of all results, which may have been computed on several. git_revision, written: of this
    page and its raw files; the time is UTC.

    optimum_on_curve_slots: the optimum's mean cost on the evaluation slots of the learning curves; NaN if not known.
    """

    command: str
    seed: int
    versions: dict[str, str]
    device: str
    machine: str
    git_revision: str | None
    written: str
    budget: str
    budget_note: str
    figures: tuple[str, ...] = ()
    scenario: ScenarioName
    total_s: float
    results: ResultCounts = ResultCounts()
    evaluation: Sizes
    timings_s: dict[str, float]
    schemes: tuple[Scheme, ...]
    headline: Headline | None
    comparison_commits: tuple[str, ...] = ()
    optimum_on_curve_slots: Number = UNKNOWN


class ConstantEntry(Record, frozen=True):
    """One constant, in scenario.json or learning.json: value in SI, the same as text, source and bound."""

    key: str
    symbol: str
    value: Any
    text: str
    unit: str
    tag: str
    source: str
    meaning: str
    bound: str


class ConvergenceRow(Record, frozen=True):
    """A row of convergence.csv: one scheme and training seed after `slots` slots."""

    scheme: str
    seed: int
    slots: int
    cost: Number
    latency_s: Number
    training_reward: Number


class VariantCurve(Record, frozen=True):
    """Learning curves of a variant: `slots` [P], and cost [S, P] over seeds on the curves' evaluation slots."""

    slots: tuple[int, ...]
    cost: Rows


class VariantRow(Record, frozen=True):
    """One scheme of a study with one setting changed, and its result.

    role: the paper's scheme it stands for. direction: towards repaired, back to as printed, or a peer. change: empty
    for the baseline. training_slots: slots of each seed. measured: of the seeds whose policy is not lost; None if all
    are. curve: of every seed. diverged: number of seeds that were lost or whose training diverged. trouble: the reason
    of the first lost seed.
    """

    scheme: str
    label: str
    role: str
    direction: str
    change: str
    change_label: str
    library: str
    training_slots: int
    measured: Measured | None
    diverged: int
    trouble: str
    curve: VariantCurve
    training_s: float

    @property
    def trained(self) -> int:
        """Number of training seeds."""
        return len(self.curve.cost)

    @property
    def evaluated(self) -> int:
        """Number of training seeds with a policy to evaluate."""
        return 0 if self.measured is None else len(self.measured.unit_cost)


class Study(Record, frozen=True):
    """One study of studies.json: its variants, and the command that computes it alone."""

    command: str
    rows: tuple[VariantRow, ...]
    commits: tuple[str, ...]


class PolicyLine(Record, frozen=True):
    """One scheme's decisions for one device along an axis, `distance_m` or `data_bits`, at places `x` [P], in SI units.

    median, low, high: by decision, [P] each: median, 10th and 90th percentile, over channel draws if the scheme sees
    the channel, otherwise over its policies.
    """

    scheme: str
    axis: str
    x: Numbers
    median: dict[str, Numbers]
    low: dict[str, Numbers]
    high: dict[str, Numbers]


class PolicyPicture(Record, frozen=True):
    """policy_picture.json: the schemes' decisions for one device of `device_count`, with the other devices fixed.

    draws: channel draws at each place, for schemes that see the channel. distance_m, data_bits: those of the other
    devices, and of the device itself along the respective other axis. made_of: digest of the results that it shows.
    """

    seed: int
    draws: int
    device_count: int
    distance_m: float
    data_bits: float
    lines: tuple[PolicyLine, ...]
    made_of: str = ""


class ClaimCheck(Record, frozen=True):
    """The result of checking one claim with exact schemes in place of the learners.

    number: the value that decides it [%]. low, high: its interval, widened as for the claim.
    """

    claim: str
    verdict: str
    holds: bool
    number: Number
    low: Number
    high: Number


class VariedCheck(ClaimCheck, frozen=True):
    """The result of the same check with one constant changed.

    flips: whether the claim now holds but did not before, or the reverse; False if either is not settled.
    """

    constant: str
    tag: str
    value: Any
    text: str
    flips: bool


class NotVaried(Record, frozen=True):
    """A constant that was left out of the sensitivity analysis, with the reason."""

    constant: str
    why: str


class Sensitivity(Record, frozen=True):
    """sensitivity.json: the sensitivity of the claims to assumed constants.

    rules: the number of the rules that its verdicts follow. made_of: digest of the scenario's constants.
    """

    scenario: str
    overrides: tuple[str, ...]
    slots: int
    seed: int
    schemes: tuple[str, ...]
    base: tuple[ClaimCheck, ...]
    rows: tuple[VariedCheck, ...]
    not_varied: tuple[NotVaried, ...]
    rules: int = 1
    made_of: str = ""


class ClaimOutcome(Record, frozen=True):
    """The result of checking a claim with one set of schemes.

    verdict: "holds", "holds only in places", "does not hold", "not settled" or "not checked". detail: the numbers with
    95 % intervals, where it fails, and where it is not settled. basis: the training seeds and slots behind it.
    """

    verdict: str
    detail: str
    basis: str


class Claim(Record, frozen=True):
    """One claim of the paper, a row of claims.csv, with its outcomes for the schemes as printed and repaired.

    hinges: its sensitivity to assumed constants, in words.
    """

    figure: str
    key: str
    statement: str
    printed: ClaimOutcome
    repaired: ClaimOutcome
    hinges: str


def check_distinct(values: Sequence[Any], where: str) -> None:
    """Raise `ValueError` for a repeated value."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ValueError(f"{where}: {value!r} occurs twice")
