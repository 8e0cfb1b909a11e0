"""Every raw file's type, once: what is written is what is read.

Numbers that are not known are null in JSON and NaN in memory, see `twinsync.storage`. `results` has the files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from twinsync.storage import UNKNOWN, ByName, Number, Numbers, Record, Rows


class Estimate(Record, frozen=True, omit_defaults=True, rename={"low": "ci_low", "high": "ci_high"}):
    """A mean with its 95 % interval, and where known the median and 95th percentile; NaN where not known."""

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
    """One scheme less another on the same slots, and by how many percent it lies below; `unit` is what was repeated."""

    latency_s: Estimate
    latency_reduction_percent: Estimate
    cost: Estimate
    cost_reduction_percent: Estimate
    unit: str
    unit_count: int


class Measured(Record, frozen=True, omit_defaults=True):
    """What the evaluation measured of one scheme; `summary.DEFINITIONS` says each figure of merit in words.

    gap_to_optimum, gap_to_expected: None where there is nothing to relate to. `*_parts_*`: means per slot, summed over
    the devices, by stage. unit: what was repeated `unit_count` times, training seeds or sets of slots; unit_*: means of
    each. training_slots, training_seeds: NaN where nothing is trained or it is not known. energy_excess_j, radio_load:
    NaN in evaluations that are older than these figures; the unit_* that have a default are empty there.
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
    """The optimum's mean cost, and how far it can be from the true minimum in any slot, relative."""

    cost: Number
    relative_gap: Number


class IntervalMethod(Record, frozen=True, omit_defaults=True):
    """How intervals were made; resamples: of a bootstrap, 0 where there was none."""

    level: float
    method: str
    resamples: int = 0


class Evaluation(Record, frozen=True, kw_only=True, omit_defaults=True):
    """All schemes of one scenario on the same slots: evaluation.json, and that of each point of a sweep, which leaves
    scenario and definitions out. `paired[A][B]` is A against B."""

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
        """One scheme against another, None where they were not evaluated together."""
        return self.paired.get(scheme, {}).get(other)


class Axis(Record, frozen=True, omit_defaults=True):
    """Constants that move together. label, unit: for people; numbers are shown in `unit`, in SI where it is empty.

    values: of a sweep to be made, a row per point with a value per key, as `--set` takes them; results leave them out.
    """

    keys: tuple[str, ...]
    label: str
    unit: str
    values: tuple[tuple[str, ...], ...] = ()

    @property
    def title(self) -> str:
        """The label with its unit, as a chart's axis says it."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


class Place(Record, frozen=True, rename={"overrides": "set"}):
    """One place on an axis: its position in the axis's unit, its name, and the overrides that make it."""

    x: float
    label: str
    overrides: tuple[str, ...]


class Point(Place, frozen=True):
    """What was measured at one place: a scheme is in the evaluation, or in `missing` with the reason."""

    evaluation: Evaluation
    missing: dict[str, str] = msgspec.field(default_factory=dict)

    def measured(self, scheme: str) -> Measured | None:
        """What was measured of a scheme, None where it is missing."""
        return None if scheme in self.missing else self.evaluation.allocators.get(scheme)


class Sweep(Record, frozen=True, rename={"overrides": "set"}):
    """One sweep: its points in the order of x, and what made it.

    `overrides` hold along the whole axis, `schemes` are names. figure: the paper's figure that this is, if any.
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
                raise ValueError(f"{self.name}: {what}: empty; expected one at least")
            check_distinct(values, f"{self.name}: {what}")
        for point in self.points:
            for scheme in self.schemes:
                if scheme not in point.evaluation.allocators and scheme not in point.missing:
                    raise ValueError(f"{self.name} at {point.label}: {scheme!r} is neither measured nor in `missing`")
        msgspec.structs.force_setattr(self, "points", tuple(sorted(self.points, key=lambda point: point.x)))

    def lacks(self, scheme: str) -> dict[str, str]:
        """Labels of the points where `scheme` has no mean latency, with the reason."""
        reasons = {}
        for point in self.points:
            measured = point.measured(scheme)
            if measured is None:
                reasons[point.label] = point.missing[scheme]
            elif not math.isfinite(measured.latency_s.mean):
                reasons[point.label] = "A training diverged there, so that the mean is not a number"
        return reasons

    @property
    def slug(self) -> str:
        """The name as a file or a part of a page may be called."""
        return re.sub(r"[^A-Za-z0-9_-]+", "-", self.name)

    @property
    def has_gaps(self) -> bool:
        """Whether any scheme's distance from the certified optimum is known anywhere."""
        measured = [point.measured(scheme) for point in self.points for scheme in self.schemes]
        gaps = [item.gap_to_optimum for item in measured if item is not None]
        return any(gap is not None and math.isfinite(gap.mean) for gap in gaps)


class Sweeps(Record, frozen=True):
    """sweeps.json."""

    sweeps: tuple[Sweep, ...]

    def __post_init__(self) -> None:
        # The name becomes a file's, and an id of the page.
        check_distinct([sweep.slug for sweep in self.sweeps], "sweeps: name")


class Deviation(Record, frozen=True):
    """One setting that differs from the paper's, and why."""

    setting: str
    paper: str
    here: str
    reason: str


class Sign(Record, frozen=True):
    """Where one training seed was first seen to have diverged, and by what."""

    seed: int
    slots: int
    reason: str


class Scheme(Record, frozen=True, omit_defaults=True):
    """One scheme that was compared: its key in the raw files, its name for people, and how it was set up.

    group: paper, fixed, reference or heuristic. settings: the learner's, empty where nothing is learned.
    """

    name: str
    label: str
    group: str
    description: str
    settings: dict[str, Any]
    deviations: tuple[Deviation, ...]
    diverged: tuple[Sign, ...] | None = None


class ScenarioName(Record, frozen=True):
    """A preset's name or a file, and the constants changed."""

    name: str
    overrides: tuple[str, ...]


class Sizes(Record, frozen=True):
    """Slots in each set, and sets."""

    slots: int
    seeds: int


class ResultCounts(Record, frozen=True):
    """How many results there are of those that were planned."""

    computed: int = 0
    planned: int = 0


class Headline(Record, frozen=True):
    """The learner that a report is about, and what it is held against."""

    learner: str
    benchmarks: tuple[str, ...]


class Manifest(Record, frozen=True, kw_only=True):
    """manifest.json: how results were made. headline: None where there is no comparison at the preset.

    optimum_on_curve_slots: the optimum's mean cost on the slots that judge learning curves, NaN where it is not known.
    """

    command: str
    seed: int
    versions: dict[str, str]
    device: str
    machine: str
    git_revision: str | None
    started: str
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
    """A row of convergence.csv: one scheme and training seed after so many slots."""

    scheme: str
    seed: int
    slots: int
    cost: Number
    latency_s: Number
    training_reward: Number


class VariantCurve(Record, frozen=True):
    """Learning curves of a variant: `slots` [P], and cost [S, P] over seeds on the slots that judge curves."""

    slots: tuple[int, ...]
    cost: Rows


class VariantRow(Record, frozen=True):
    """One scheme of a study with one setting exchanged: which, in which direction, and what it costs.

    role: which of the paper's schemes it is. change: empty for what the others are held against. measured: None where
    every seed is lost, and `trouble` says why.
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
    trouble: str
    curve: VariantCurve
    training_s: float


class Study(Record, frozen=True):
    """One study of studies.json."""

    rows: tuple[VariantRow, ...]
    commits: tuple[str, ...]


class PolicyLine(Record, frozen=True):
    """What one scheme decides for one device along an axis, `distance_m` or `data_bits`, at places `x` [P], SI units.

    median, low, high: by decision, [P] each: median, 10th and 90th percentile over channel draws where the scheme sees
    the channel, otherwise over its policies.
    """

    scheme: str
    axis: str
    x: Numbers
    median: dict[str, Numbers]
    low: dict[str, Numbers]
    high: dict[str, Numbers]


class PolicyPicture(Record, frozen=True):
    """policy_picture.json: what schemes decide for one device of `device_count` while the others stay as they are.

    draws: channel draws at each place, for schemes that see the channel. distance_m, data_bits: the other devices', and
    the device's own along the other axis.
    """

    seed: int
    draws: int
    device_count: int
    distance_m: float
    data_bits: float
    lines: tuple[PolicyLine, ...]


class ClaimCheck(Record, frozen=True):
    """What came of one claim with exact schemes in the learners' places.

    number: what decides it, in percent. low, high: its interval, as wide as in the
    claim.
    """

    claim: str
    verdict: str
    holds: bool
    number: Number
    low: Number
    high: Number


class VariedCheck(ClaimCheck, frozen=True):
    """The same with one constant changed.

    flips: whether the claim then holds where it did not, or the reverse; False where either is not settled.
    """

    constant: str
    tag: str
    value: Any
    text: str
    flips: bool


class NotVaried(Record, frozen=True):
    """A constant that was left out of the sensitivity analysis, and why."""

    constant: str
    why: str


class Sensitivity(Record, frozen=True):
    """sensitivity.json: which assumed constants the claims hinge on."""

    scenario: str
    overrides: tuple[str, ...]
    slots: int
    seed: int
    schemes: tuple[str, ...]
    base: tuple[ClaimCheck, ...]
    rows: tuple[VariedCheck, ...]
    not_varied: tuple[NotVaried, ...]


class ClaimOutcome(Record, frozen=True):
    """What came of a claim with one set of schemes.

    verdict: "holds", "holds only in places", "does not hold", "not settled" or "not checked". detail: the numbers with
    95 % intervals, where it fails, and where it is not settled. basis: the training seeds and slots it stands on.
    """

    verdict: str
    detail: str
    basis: str


class Claim(Record, frozen=True):
    """One claim of the paper, a row of claims.csv, and what came of it with the schemes as printed, and repaired.

    hinges: which assumed constant flips it.
    """

    figure: str
    key: str
    statement: str
    printed: ClaimOutcome
    repaired: ClaimOutcome
    hinges: str


def check_distinct(values: Sequence[Any], where: str) -> None:
    """Raise `ValueError` for a value that is there twice."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ValueError(f"{where}: {value!r} comes twice")
