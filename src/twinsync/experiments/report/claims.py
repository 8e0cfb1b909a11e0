"""The paper's claims and what became of them, as a section of the report."""

from __future__ import annotations

import re
from collections.abc import Sequence

from twinsync.experiments.claims import Claim, Outcome
from twinsync.experiments.formatting import listing, sentence
from twinsync.experiments.report.document import Block, Heading, Judged, Paragraph, Verdict, Verdicts

_KINDS = {"holds": "good", "holds only where": "partly", "does not hold": "bad", "not checked": "open"}
_SHOWN = {"holds only where": "holds only in places"}
_COUNTED = {
    "holds": ("holds", "hold"),
    "holds only where": ("holds only in places", "hold only in places"),
    "does not hold": ("does not hold", "do not hold"),
    "not checked": ("was not checked", "were not checked"),
}


def tally(claims: Sequence[Claim]) -> str:
    """How many claims came to which verdict, as printed and repaired."""
    told = [f"{level} {_counts(of)}" for level, of in _levels(claims).items()]
    return f"Of the {len(claims)} statements of the paper's Section V and abstract, {'; '.join(told)}."


def _levels(claims: Sequence[Claim]) -> dict[str, list[Outcome]]:
    return {"as printed": [claim.printed for claim in claims], "repaired": [claim.repaired for claim in claims]}


def _counts(outcomes: Sequence[Outcome]) -> str:
    counts = {verdict: sum(outcome.verdict == verdict for outcome in outcomes) for verdict in _KINDS}
    return listing([f"{count} {_COUNTED[verdict][count != 1]}" for verdict, count in counts.items() if count])


def claims_section(claims: Sequence[Claim]) -> list[Block]:
    """Every claim with its verdict as printed and repaired, in the order given; nothing where there are none."""
    if not claims:
        return []
    words = (
        "In our words, under our reading of what the paper leaves open: on the left with the paper's schemes as "
        "printed, "
        "on the right with settings that fit the problem. A claim holds where its 95 % interval lies wholly on the "
        "claimed side; learners that were trained for different numbers of slots are not compared."
    )
    items = [_verdict(claim) for claim in claims]
    return [Heading("The paper's claims"), Paragraph(f"{tally(claims)} {words}"), Verdicts(items)]


def _verdict(claim: Claim) -> Verdict:
    statement = f"{claim.figure}: {sentence(claim.statement)}"
    note = f"What it hinges on: {claim.hinges.removesuffix('.')}." if claim.hinges else ""
    return Verdict(statement, _judged("As printed", claim.printed), _judged("Repaired", claim.repaired), note)


def _judged(level: str, outcome: Outcome) -> Judged:
    # The first sentence has the number; where it holds and where not can take a page.
    detail, *more = re.split(r"(?<=[.])\s+(?=[A-Z])", outcome.detail, maxsplit=1)
    verdict = f"{level}: {_SHOWN.get(outcome.verdict, outcome.verdict)}"
    return Judged(_KINDS[outcome.verdict], verdict, sentence(detail) if detail else "", "".join(more), outcome.basis)
