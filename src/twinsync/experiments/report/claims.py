"""The paper's claims and what became of them, as a section of the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from twinsync.experiments.claims.verdicts import FAILS, HOLDS, NOT_SETTLED, PARTLY, UNCHECKED
from twinsync.experiments.formatting import listing, sentence
from twinsync.experiments.records import Claim, ClaimOutcome
from twinsync.experiments.report.document import Block, Heading, Paragraph, Verdicts


class _Wording(NamedTuple):
    """How a verdict is shown: its kind for the eye, and in words of one and of several claims."""

    kind: str
    one: str
    several: str


class Judged(NamedTuple):
    """One side of a claim: its kind for the eye, the verdict in words, and by which numbers.

    `more` is shown on demand, `basis` in small print; both may be empty.
    """

    kind: str
    verdict: str
    detail: str
    more: str
    basis: str


_WORDINGS = {
    HOLDS: _Wording("good", "holds", "hold"),
    PARTLY: _Wording("partly", PARTLY, "hold only in places"),
    FAILS: _Wording("bad", "does not hold", "do not hold"),
    NOT_SETTLED: _Wording("open", "is not settled", "are not settled"),
    UNCHECKED: _Wording("open", "was not checked", "were not checked"),
}


def tally(claims: Sequence[Claim]) -> str:
    """How many claims came to which verdict, as printed and repaired."""
    printed, repaired = ([getattr(claim, side) for claim in claims] for side in ("printed", "repaired"))
    return (
        f"Of the {len(claims)} statements of the paper's Sections IV-C and V and its abstract, as printed "
        f"{_counts(printed)}; repaired {_counts(repaired)}."
    )


def _counts(outcomes: Sequence[ClaimOutcome]) -> str:
    verdicts = [outcome.verdict for outcome in outcomes]
    counts = [(verdicts.count(verdict), wording) for verdict, wording in _WORDINGS.items()]
    return listing([f"{count} {wording.one if count == 1 else wording.several}" for count, wording in counts if count])


def claims_section(claims: Sequence[Claim]) -> list[Block]:
    """Every claim with its verdict as printed and repaired, in the order given; nothing where there are none."""
    if not claims:
        return []
    words = (
        "In our words, under our reading of what the paper leaves open, with the paper's schemes as printed and with "
        "settings that fit the problem (repaired). A claim holds where its interval lies wholly on the claimed side: a "
        "95 % interval, widened where a claim looks at several places until all of them cover at once (Bonferroni). It "
        "does not hold where an interval lies wholly on the other side and none on the claimed one; it is not settled "
        "where every interval includes the boundary, or where a figure that could decide it was not run. Learners that "
        "were trained for different numbers of slots are not compared."
    )
    return [Heading("The paper's claims"), Paragraph(f"{tally(claims)} {words}"), Verdicts(claims)]


def statement(claim: Claim) -> str:
    """A claim as a sentence, with its figure."""
    return f"{claim.figure}: {sentence(claim.statement)}"


def sides(claim: Claim) -> tuple[Judged, Judged]:
    """What became of a claim as printed, and repaired."""
    return _judged("As printed", claim.printed), _judged("Repaired", claim.repaired)


def hinge(claim: Claim) -> str:
    """Which constants a claim hinges on, as a sentence; empty where that is not known."""
    return f"What it hinges on: {claim.hinges.removesuffix('.')}." if claim.hinges else ""


def _judged(level: str, outcome: ClaimOutcome) -> Judged:
    # The first sentence has the number; where it holds and where not can take a page.
    detail, *more = re.split(r"(?<=[.])\s+(?=[A-Z])", outcome.detail, maxsplit=1)
    wording = _WORDINGS[outcome.verdict]
    verdict = f"{level}: {wording.one.removeprefix('was ').removeprefix('is ')}"
    return Judged(wording.kind, verdict, sentence(detail) if detail else "", "".join(more), outcome.basis)
