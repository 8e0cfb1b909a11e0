"""The paper's claims, each as a statement in our words with a check against a run's measurements.

The list has every quantitative or directional claim of Section V and the abstract, checked twice: with the paper's
schemes as printed, and repaired. It also has the claims of Section III-E on the problem, which the certified optimum
decides, and that of Section IV-C on complexity, which a separate measurement decides. Explanations that no figure can
test are listed as not checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from twinsync.experiments.claims import comparisons, complexity, convergence, problem, trends
from twinsync.experiments.claims.checks import SIGNIFICANT, ViewCheck
from twinsync.experiments.claims.evidence import PAPER, TUNED, Cast, Evidence, NamedPoint, gather
from twinsync.experiments.claims.verdicts import NOT_SETTLED, UNCHECKED, Finding, located, unchecked, value_words
from twinsync.experiments.formatting import NBSP
from twinsync.experiments.records import Claim, ClaimCheck, ClaimOutcome, Estimate, Sensitivity, VariedCheck
from twinsync.experiments.results import Results

NOT_ANALYSED = "not analysed"
RECORDED = "a separate measurement, the same for all reports"
LEARNERS = "not varied, since the claim is about learners and the analysis has exact schemes only"
_READ = f"(read as: by more than {SIGNIFICANT:g}{NBSP}%"
_EACH = f"{_READ} at every step)"


@dataclass(frozen=True)
class Statement:
    """A claim before it is checked.

    exact: whether exact schemes in place of the learners can decide it, and the sensitivity analysis covers it.
    base_alone: whether the base comparison alone decides it, whatever its figure. learners: whether learners' results
    decide it; otherwise the optimum's do. recorded: for the schemes as printed, the finding of a measurement that ships
    with the package; None if runs decide.
    """

    figure: str
    key: str
    text: str
    check: Callable[[Evidence], Finding]
    exact: bool = True
    base_alone: bool = False
    learners: bool = True
    recorded: Callable[[], Finding] | None = None


def _on(name: str, key: str, text: str, check: ViewCheck, *, exact: bool = True) -> Statement:
    return Statement(f"Fig. {name[-1]}", f"{name}-{key}", text, _of_view(name, check), exact=exact)


def _of_view(name: str, check: ViewCheck) -> Callable[[Evidence], Finding]:
    """The check of a claim on one of the paper's figures; not checked if the figure was not run."""

    def checked(evidence: Evidence) -> Finding:
        view = evidence.views.get(name)
        return unchecked(f"Fig. {name[-1]} was not run") if view is None else check(evidence, view)

    return checked


def _measured_elsewhere(evidence: Evidence) -> Finding:
    return unchecked("Measured only for the networks as printed")


def _entropy(evidence: Evidence) -> Finding:
    return unchecked("An explanation; testing it needs a training run without the entropy term, which no figure has")


STATEMENTS = (
    Statement(
        "Section III-E", "convex-inadequate",
        "“Traditional convex optimization methods are inadequate” to solve problem (19a)",
        problem.convex_methods_inadequate, exact=False, learners=False,
    ),
    Statement(
        "Section III-E", "deadline-guaranteed",
        "Constraints (19b) and (19c) guarantee that sensing and synchronisation end within the slot",
        problem.deadlines_guaranteed, exact=False, learners=False,
    ),
    Statement(
        "Section IV-C", "complexity", "Training takes O(n_epoch n_step Σ n_i n_(i−1)) operations",
        _measured_elsewhere, exact=False, recorded=complexity.proportional,
    ),
    Statement(
        "Fig. 3", "fig3-stabilise", "As training progresses the rewards of SAC, PPO and the random strategy stabilise",
        convergence.stabilises, exact=False,
    ),
    Statement(
        "Fig. 3", "fig3-sac-highest", "SAC's reward ends above PPO's and the random strategy's",
        convergence.proposed_highest, exact=False,
    ),
    Statement(
        "Fig. 3", "fig3-random-lowest", "The random strategy's reward is the lowest after convergence",
        convergence.random_lowest, exact=False,
    ),
    Statement(
        "Fig. 3", "fig3-entropy", "SAC is ahead because the entropy in its objective makes it explore more",
        _entropy, exact=False,
    ),
    Statement(
        "Fig. 3", "fig3-semantics", "Semantic communication is necessary: SAC's reward ends above that of w/o SC",
        convergence.semantics_pay, exact=False,
    ),
    _on(
        "fig4", "rise", f"Total latency rises “significantly” with K for all schemes {_EACH}",
        trends.total_moves(least=SIGNIFICANT),
    ),
    _on("fig4", "per-ud", "The latency of one UD rises too, not only the sum over more UDs", trends.per_device_rises),
    _on(
        "fig4", "bandwidth", "One of the “primary” reasons: less bandwidth for each UD, so its uplink takes longer",
        trends.stage_rises("uplink", per_device=True),
    ),
    _on(
        "fig4", "edge-cpu", "The other “primary” reason: less edge CPU for each UD, so its recovery takes longer",
        trends.stage_rises("recovery", per_device=True),
    ),
    Statement(
        "Fig. 4", "fig4-necessity", "Optimising the allocation is necessary: SAC's latency is below equal shares'",
        comparisons.optimising_pays, exact=False, base_alone=True,
    ),
    _on("fig5", "rise", "Total latency rises with the sensed data D for all schemes", trends.total_moves()),
    _on("fig5", "sensing", "One reason for the rise with D: sensing takes longer", trends.sensing_rises),
    _on("fig5", "sync", "The other reason: synchronisation takes longer", trends.synchronisation_rises),
    _on("fig5", "sac-lowest", "At every D, SAC has the lowest total latency", comparisons.proposed_lowest),
    _on(
        "fig5", "without-sc-highest", "At every D, w/o SC has the highest total latency",
        comparisons.without_sc_highest,
    ),
    _on("fig6", "rise", "Total latency rises with the extraction factor threshold", trends.total_moves()),
    _on(
        "fig6", "sent-data", "The reason for this rise: after extraction there is more data to send",
        trends.sent_data_rises,
    ),
    _on(
        "fig6", "below-ppo", f"SAC's latency is “significantly lower” than PPO's at every threshold {_READ})",
        partial(comparisons.proposed_lowest, least=SIGNIFICANT), exact=False,
    ),
    _on("fig6", "equal-at-one", "At threshold 1 SAC is equivalent to w/o SC", comparisons.equal_at_one, exact=False),
    _on(
        "fig7", "fall", f"Total latency falls “significantly” with the UDs' CPU f_u for all schemes {_EACH}",
        trends.total_moves(falls=True, least=SIGNIFICANT),
    ),
    _on(
        "fig7", "extraction", "The reason for this fall: extraction takes less time",
        trends.stage_rises("extraction", falls=True),
    ),
    _on("fig7", "sac-lowest", "At every f_u, SAC has the lowest total latency", comparisons.proposed_lowest),
    Statement(
        "Abstract", "abstract-ppo",
        f"SAC lowers latency by “up to 13.2{NBSP}%” (read as: by that much somewhere), if PPO is the baseline",
        comparisons.largest_reduction("ppo"), exact=False,
    ),
    Statement(
        "Abstract", "abstract-random",
        f"SAC lowers latency by “up to 13.2{NBSP}%” (read as above), if the random strategy is the baseline",
        comparisons.largest_reduction("random"),
    ),
    Statement(
        "Abstract", "abstract-without-sc",
        f"SAC lowers latency by “up to 13.2{NBSP}%” (read as above), if w/o SC is the baseline",
        comparisons.largest_reduction("without_sc"),
    ),
    Statement(
        "Abstract", "abstract-below-all", "SAC's latency is below that of every benchmark at every point",
        comparisons.below_all,
    ),
    Statement(
        "Abstract", "abstract-bandwidth", "Semantic communication saves bandwidth: fewer bits go on air",
        comparisons.fewer_bits,
    ),
)  # fmt: skip


def check_claims(printed: Results | None, repaired: Results, sensitivity: Sensitivity | None = None) -> list[Claim]:
    """Check every claim with the schemes as printed (None: not trained) and with the repaired ones, each on its own
    results. sensitivity: the analysis in the repaired schemes' scenario (None: not analysed)."""
    evidence = (None if printed is None else evidence_of(printed, PAPER)), evidence_of(repaired, TUNED)
    return [
        Claim(
            item.figure, item.key, item.text,
            _recorded(item) or _outcome(item, evidence[0]), _outcome(item, evidence[1]),
            hinges=_hinges(item, sensitivity),
        )
        for item in STATEMENTS
    ]  # fmt: skip


def evidence_of(results: Results, cast: Cast) -> Evidence:
    """The evidence in `results` for the schemes of `cast`."""
    return gather(
        results.comparison,
        {sweep.name: sweep for sweep in results.sweeps if sweep.figure},
        cast,
        labels={scheme.name: scheme.label for scheme in results.manifest.schemes},
        overrides=results.manifest.scenario.overrides,
    )


def _recorded(item: Statement) -> ClaimOutcome | None:
    if item.recorded is None:
        return None
    finding = item.recorded()
    return ClaimOutcome(finding.verdict, finding.detail, "" if finding.verdict == UNCHECKED else RECORDED)


def _outcome(item: Statement, evidence: Evidence | None) -> ClaimOutcome:
    if evidence is None or (item.learners and not _trained(evidence)):
        return ClaimOutcome(UNCHECKED, "These schemes were not trained", "")
    finding = item.check(evidence)
    if finding.verdict == UNCHECKED or not item.learners:
        return ClaimOutcome(finding.verdict, finding.detail, "")
    detail = " ".join(filter(None, (finding.detail, _diverged(evidence, evidence.places_of(_where(item))))))
    return ClaimOutcome(finding.verdict, detail, _basis(_where(item), evidence))


def _where(item: Statement) -> str:
    """The figure whose places decide a claim; that of the base comparison is Fig. 3."""
    return "Fig. 3" if item.base_alone else item.figure


def _diverged(evidence: Evidence, places: Sequence[NamedPoint]) -> str:
    """A sentence on the trainings behind a claim that diverged, from the evaluations' notes; empty if none did."""
    remarks = []
    for place in places:
        for note in place.point.evaluation.notes:
            name, _, rest = note.partition(": training diverged ")
            if rest and name in evidence.cast.all():
                remarks.append(f"{evidence.label(name)} {located(place.name)}, {rest}")
    return f"Training diverged for {'; '.join(remarks)}." if remarks else ""


def _trained(evidence: Evidence) -> bool:
    return any(place.has(name) for place in evidence.places_of("") for name in evidence.cast.all())


def _basis(figure: str, evidence: Evidence) -> str:
    """The training behind a figure's claims: `5 training seeds of 100,000 slots`, with ranges where numbers differ."""
    # A claim of a figure in which none of them was trained is decided by the base comparison alone.
    cells = _learned(figure, evidence) or _learned("", evidence)
    seeds = sorted({place.seeds(name) for place, name in cells})
    known = {place.training_slots(name) for place, name in cells}
    slots = sorted(count for count in known if not math.isnan(count))
    words = f"{_span(seeds)} training seed{'' if seeds == [1] else 's'}"
    return f"{words} of {_span(slots)} slots" if slots else words


def _learned(figure: str, evidence: Evidence) -> list[tuple[NamedPoint, str]]:
    """The schemes of the cast at each place of a figure ("": of the base comparison) that has them."""
    return [(place, name) for place in evidence.places_of(figure) for name in evidence.cast.all() if place.has(name)]


def _span(counts: Sequence[float]) -> str:
    ends = dict.fromkeys(f"{count:,.0f}" for count in (counts[0], counts[-1]))
    return " to ".join(ends)


def _hinges(item: Statement, analysis: Sensitivity | None) -> str:
    """Which assumed constants flip a claim, in words."""
    if not item.learners:
        return ""
    if not item.exact:
        return LEARNERS
    base = None if analysis is None else next((row for row in analysis.base if row.claim == item.key), None)
    if analysis is None or base is None or base.verdict == UNCHECKED:
        return NOT_ANALYSED
    rows = [row for row in analysis.rows if row.claim == item.key]
    start = f"exact schemes in place of the learners give “{base.verdict}”{_number_of(base)}"
    if not rows:
        return f"{start}. No constant was varied."
    flipped = [f"{_setting(row)}: {row.verdict}{_number_of(row)}" for row in rows if row.flips]
    count = len({row.constant for row in rows})
    words = f"None of the {count} constants varied flips it"
    if base.verdict == NOT_SETTLED:
        words = "So no constant can flip it"
    elif flipped:
        words = f"It is flipped by {'; '.join(flipped)}"
    elif count == 1:
        words = "The one constant varied does not flip it"
    if base.verdict != NOT_SETTLED:
        unsettled = [f"{_setting(row)}, {_number(row)}" for row in rows if row.verdict == NOT_SETTLED]
        words += f"; not settled with {'; '.join(unsettled)}" if unsettled else ""
    known = sorted((row for row in rows if not math.isnan(row.number)), key=lambda row: row.number)
    if len(known) > 1:
        ends = (f"{value_words(Estimate(row.number))} ({_setting(row)})" for row in (known[0], known[-1]))
        words += f"; the number ranges from {' to '.join(ends)}"
    return f"{start}. {words}."


def _number_of(row: ClaimCheck) -> str:
    return "" if math.isnan(row.number) else f", {_number(row)}"


def _number(row: ClaimCheck) -> str:
    return value_words(Estimate(row.number, row.low, row.high))


def _setting(row: VariedCheck) -> str:
    return f"{row.constant} = {row.text}"
