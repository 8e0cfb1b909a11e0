"""The paper's claims, each as a statement in our words and a check of it against what a run measured.

Every quantitative or directional claim of Section V and the abstract is here, checked twice: with the paper's schemes
as printed, and repaired. Explanations that no figure can tell are listed as not checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from twinsync.experiments.claims import convergence, latency
from twinsync.experiments.claims.checks import SIGNIFICANT, UNCHECKED, Finding, unchecked
from twinsync.experiments.claims.evidence import PAPER, TUNED, Evidence, Place, gather
from twinsync.experiments.claims.hinges import hinges
from twinsync.experiments.formatting import NBSP
from twinsync.experiments.run_folder import RunFolder

_READ = f"(read as by more than {SIGNIFICANT:g}{NBSP}%, the interval included)"


@dataclass(frozen=True)
class Outcome:
    """What came of a claim with one set of schemes.

    verdict: "holds", "holds only where", "does not hold" or "not checked". detail: the numbers with 95 % intervals, and
    where it fails. basis: the training seeds and slots it stands on.
    """

    verdict: str
    detail: str
    basis: str


@dataclass(frozen=True)
class Claim:
    """One claim of the paper and what came of it with the schemes as printed, and repaired.

    hinges: which assumed constant flips it.
    """

    figure: str
    key: str
    statement: str
    printed: Outcome
    repaired: Outcome
    hinges: str


@dataclass(frozen=True)
class Source:
    """Raw files that claims are checked against: a base comparison (None: not run), and sweeps by name as in
    `sweeps.json`."""

    run: RunFolder | None = None
    sweeps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """A claim before it is checked.

    exact: exact schemes in the learners' places can tell it, so the sensitivity analysis does.
    """

    figure: str
    key: str
    text: str
    check: Callable[[Evidence], Finding]
    exact: bool = True


def _on(name: str, key: str, text: str, tell: latency.Telling, *, exact: bool = True) -> Statement:
    return Statement(f"Fig. {name[-1]}", f"{name}-{key}", text, latency.of_view(name, tell), exact=exact)


def _entropy(evidence: Evidence) -> Finding:
    return unchecked("An explanation: telling it takes a training run without the entropy term, which no figure has")


STATEMENTS = (
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
        "fig4", "rise", f"Total latency rises “significantly” with K for all schemes {_READ}",
        latency.significantly(False),
    ),
    _on("fig4", "per-ud", "The latency of one UD rises too, not only the sum over more UDs", latency.per_device_rises),
    _on(
        "fig4", "bandwidth", "One reason is bandwidth: each UD has less of it, and its uplink takes longer",
        latency.stage_rises("uplink", per_device=True),
    ),
    _on(
        "fig4", "edge-cpu", "The other is the edge CPU: each UD is given less of it, and its recovery takes longer",
        latency.stage_rises("recovery", per_device=True),
    ),
    Statement(
        "Fig. 4", "fig4-necessity", "Optimising the allocation is necessary: SAC's latency is below equal shares'",
        latency.optimising_pays, exact=False,
    ),
    _on("fig5", "rise", "Total latency rises with the sensed data D for all schemes", latency.total_moves),
    _on("fig5", "sensing", "One reason for the rise with D: sensing takes longer", latency.sensing_rises),
    _on("fig5", "sync", "The other: synchronisation takes longer", latency.synchronisation_rises),
    _on("fig5", "sac-lowest", "SAC has the lowest total latency, whatever D", latency.proposed_lowest),
    _on("fig5", "without-sc-highest", "w/o SC has the highest total latency, whatever D", latency.without_sc_highest),
    _on("fig6", "rise", "Total latency rises with the extraction factor threshold", latency.total_moves),
    _on(
        "fig6", "sent-data", "The reason for that rise: after extraction there are more data to send",
        latency.sent_data_rises,
    ),
    _on(
        "fig6", "below-ppo", f"SAC's latency is “significantly lower” than PPO's at every threshold {_READ}",
        partial(latency.proposed_lowest, least=SIGNIFICANT), exact=False,
    ),
    _on("fig6", "equal-at-one", "At threshold 1 SAC is equivalent to w/o SC", latency.equal_at_one, exact=False),
    _on(
        "fig7", "fall", f"Total latency falls “significantly” with the UDs' CPU f_u for all schemes {_READ}",
        latency.significantly(True),
    ),
    _on(
        "fig7", "extraction", "The reason for that fall: extraction takes less time",
        latency.stage_rises("extraction", falls=True),
    ),
    _on("fig7", "sac-lowest", "SAC has the lowest total latency, whatever f_u", latency.proposed_lowest),
    Statement(
        "Abstract", "abstract-ppo",
        f"SAC lowers latency by “up to 13.2{NBSP}%”, if PPO is the baseline (none is named)",
        latency.largest_reduction("ppo"), exact=False,
    ),
    Statement(
        "Abstract", "abstract-random",
        f"SAC lowers latency by “up to 13.2{NBSP}%”, if the random strategy is the baseline",
        latency.largest_reduction("random"),
    ),
    Statement(
        "Abstract", "abstract-without-sc", f"SAC lowers latency by “up to 13.2{NBSP}%”, if w/o SC is the baseline",
        latency.largest_reduction("without_sc"),
    ),
    Statement(
        "Abstract", "abstract-below-all", "SAC's latency is below that of every benchmark, everywhere",
        latency.below_all,
    ),
    Statement(
        "Abstract", "abstract-bandwidth", "Semantic communication saves bandwidth: fewer bits go on air",
        latency.fewer_bits,
    ),
)  # fmt: skip


def check_claims(printed: Source, repaired: Source, sensitivity: Mapping[str, Any] | None = None) -> list[Claim]:
    """Check every claim with the schemes as printed and with the repaired ones, each against its own raw files.

    `sensitivity` is what `claims.sensitivity` returned for the run's scenario (None: not analysed).
    """
    as_printed = gather(printed.run, printed.sweeps, PAPER)
    fixed = gather(repaired.run, repaired.sweeps, TUNED)
    return [
        Claim(
            item.figure, item.key, item.text, _outcome(item, as_printed), _outcome(item, fixed),
            hinges(item.key, sensitivity, exact=item.exact),
        )
        for item in STATEMENTS
    ]  # fmt: skip


def _outcome(item: Statement, evidence: Evidence) -> Outcome:
    if not _trained(evidence):
        return Outcome(UNCHECKED, "These schemes were not trained", "")
    found = item.check(evidence)
    return Outcome(found.verdict, found.detail, "" if found.verdict == UNCHECKED else basis(item.figure, evidence))


def _trained(evidence: Evidence) -> bool:
    return any(place.has(name) for place in _places("", evidence) for name in evidence.cast.all())


def basis(figure: str, evidence: Evidence) -> str:
    """The training behind a figure's claims: `5 training seeds of 100,000 slots`, or from how many to how many."""
    places = _places(figure, evidence)
    cells = [(place, name) for place in places for name in evidence.cast.all() if place.has(name)]
    seeds = sorted({place.seeds(name) for place, name in cells})
    known = {place.training_slots(name) for place, name in cells}
    slots = sorted(count for count in known if not math.isnan(count))
    words = f"{_span(seeds)} training seed{'' if seeds == [1] else 's'}"
    return f"{words} of {_span(slots)} slots" if slots else words


def _places(figure: str, evidence: Evidence) -> list[Place]:
    """The places that a figure's claims look at; the abstract's look at all."""
    views = list(evidence.views.values())
    base = [] if evidence.base is None else [evidence.base]
    if figure == "Fig. 3":
        return base
    if figure.startswith("Fig. "):
        named = evidence.views.get(f"fig{figure[-1]}")
        return list(named.places) if named is not None else base
    return [*base, *(place for view in views for place in view.places)]


def _span(counts: Sequence[float]) -> str:
    ends = dict.fromkeys(f"{count:,.0f}" for count in (counts[0], counts[-1]))
    return " to ".join(ends)
