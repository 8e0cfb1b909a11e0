"""The report's section on the paper's claims, with the verdict on each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from twinsync.experiments.claims.checks import ROLLOUT
from twinsync.experiments.claims.statements import LEARNERS, NOT_ANALYSED
from twinsync.experiments.claims.verdicts import FAILS, HOLDS, NOT_SETTLED, PARTLY, UNCHECKED
from twinsync.experiments.formatting import listing, sentence, share
from twinsync.experiments.records import Claim, ClaimOutcome
from twinsync.experiments.report.document import Block, Heading, Paragraph, Verdicts


class _Wording(NamedTuple):
    """How a verdict is shown: its CSS class, and its wording for one claim and for several."""

    kind: str
    one: str
    several: str


class Judged(NamedTuple):
    """The verdict on a claim, as printed or repaired: its CSS class, its wording, and the numbers behind it.

    `more` is folded away and `basis` set in small print; both may be empty.
    """

    kind: str
    verdict: str
    detail: str
    more: str
    basis: str


_SENSITIVITY = (
    "Sensitivity to assumed constants: the same check with exact schemes in place of the learners, on other slots, for "
    "each constant that the paper does not state, changed alone. The optimum stands for SAC, random φ with the rest "
    "optimal for the random strategy, and φ = 1 with the rest optimal for w/o SC; PPO has none. That tells whether a "
    "claim hangs on our constants, not whether a learner fulfils it. A constant flips a claim if, of the verdicts with "
    "and without the change, one is that it holds and the other that it does not, or does only in places."
)
_WORDINGS = {
    HOLDS: _Wording("good", "holds", "hold"),
    PARTLY: _Wording("partly", PARTLY, "hold only in places"),
    FAILS: _Wording("bad", "does not hold", "do not hold"),
    NOT_SETTLED: _Wording("open", "is not settled", "are not settled"),
    UNCHECKED: _Wording("open", "was not checked", "were not checked"),
}


def tally(claims: Sequence[Claim]) -> str:
    """The number of claims with each verdict, as printed and repaired, as a sentence."""
    printed, repaired = ([getattr(claim, side) for claim in claims] for side in ("printed", "repaired"))
    return (
        f"Of the paper's abstract and its Sections III-E, IV-C and V, {len(claims)} claims are listed. With the "
        f"schemes as printed, {_counts(printed)}; with the repaired schemes, {_counts(repaired)}."
    )


def _counts(outcomes: Sequence[ClaimOutcome]) -> str:
    verdicts = [outcome.verdict for outcome in outcomes]
    counts = [(verdicts.count(verdict), wording) for verdict, wording in _WORDINGS.items()]
    return listing([f"{count} {wording.one if count == 1 else wording.several}" for count, wording in counts if count])


def claims_section(claims: Sequence[Claim]) -> list[Block]:
    """Every claim with its verdicts as printed and repaired, in the order given; empty if there are no claims."""
    if not claims:
        return []
    words = (
        "The claims are in our words, under our reading of what the paper leaves open. Each is checked twice: with the "
        "paper's schemes as printed, and with settings that fit the problem (repaired). A claim holds if the 95 % "
        "interval of every comparison lies wholly on the claimed side; if a claim needs several comparisons, their "
        "intervals are widened to cover simultaneously (Bonferroni). It holds only in places if some intervals lie "
        "there and some wholly on the other side, and does not hold if some lie on the other side and none on the "
        "claimed one. It is not settled if no interval lies wholly on the other side, but one includes the boundary or "
        "a comparison is missing. That speaks neither for nor against it: with two training seeds, intervals are so "
        "wide that little is settled. A claim of “up to” a number holds if it is reached at one point. Learners "
        f"are compared only if the slots they were trained on differ by no more than {share(ROLLOUT, 0)}."
    )
    analysed = any(claim.hinges not in ("", LEARNERS, NOT_ANALYSED) for claim in claims)
    checked = [Paragraph(_SENSITIVITY)] if analysed else []
    return [Heading("The paper's claims"), Paragraph(f"{tally(claims)} {words}"), *checked, Verdicts(claims)]


def statement(claim: Claim) -> str:
    """The claim as a sentence, after its figure."""
    return f"{claim.figure}: {sentence(claim.statement)}"


def sides(claim: Claim) -> tuple[Judged, Judged]:
    """The verdicts on a claim, as printed and repaired."""
    return _judged("As printed", claim.printed), _judged("Repaired", claim.repaired)


def hinge(claim: Claim) -> str:
    """How sensitive a claim is to assumed constants, as a sentence; empty if the claim does not say."""
    return f"Sensitivity to assumed constants: {claim.hinges.removesuffix('.')}." if claim.hinges else ""


def _judged(level: str, outcome: ClaimOutcome) -> Judged:
    # The first sentence has the number; the list of places where the claim holds or fails can be long.
    detail, *more = re.split(r"(?<=[.])\s+(?=[A-Z])", outcome.detail, maxsplit=1)
    wording = _WORDINGS[outcome.verdict]
    verdict = f"{level}: {wording.one.removeprefix('was ').removeprefix('is ')}"
    return Judged(wording.kind, verdict, sentence(detail) if detail else "", "".join(more), outcome.basis)
