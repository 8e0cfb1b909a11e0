"""The paper's claims and what became of them, as a section of the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from twinsync.experiments.reporting.document import Block, Heading, Paragraph, Verdict, Verdicts
from twinsync.experiments.words import listing, sentence

_KINDS = {"holds": "good", "holds only where": "partly", "does not hold": "bad", "not checked": "open"}
_SHOWN = {"holds only where": "holds only in places"}
_COUNTED = {
    "holds": ("holds", "hold"),
    "holds only where": ("holds only in places", "hold only in places"),
    "does not hold": ("does not hold", "do not hold"),
    "not checked": ("was not checked", "were not checked"),
}


@runtime_checkable
class Claim(Protocol):
    """A statement of the paper, checked.

    `verdict` is one of `holds`, `holds only where`, `does not hold`, `not checked`. `detail` says by which numbers,
    `hinges` on which assumed constant the verdict depends.
    """

    @property
    def figure(self) -> str: ...
    @property
    def statement(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def hinges(self) -> str: ...


def tally(claims: Sequence[Claim]) -> str:
    """How many claims came to which verdict."""
    counts = {verdict: sum(claim.verdict == verdict for claim in claims) for verdict in _KINDS}
    parts = [f"{count} {_COUNTED[verdict][count != 1]}" for verdict, count in counts.items() if count]
    return f"Of the {len(claims)} checkable statements of the paper's Section V and abstract, {listing(parts)}."


def claims_section(claims: Sequence[Claim]) -> list[Block]:
    """Every claim with its verdict, in the order given; nothing where there are none."""
    if not claims:
        return []
    items = [_verdict(claim) for claim in claims]
    words = (
        "In our words, under our reading of what the paper leaves open. A claim holds where its 95 % interval lies "
        "wholly on the claimed side."
    )
    return [Heading("The paper's claims"), Paragraph(f"{tally(claims)} {words}"), Verdicts(items)]


def _verdict(claim: Claim) -> Verdict:
    # The first sentence has the number; where it holds and where not can take a page.
    detail, *more = re.split(r"(?<=[.])\s+(?=[A-Z])", claim.detail, maxsplit=1)
    return Verdict(
        _KINDS[claim.verdict],
        _SHOWN.get(claim.verdict, claim.verdict),
        f"{claim.figure}: {sentence(claim.statement)}",
        sentence(detail) if detail else "",
        "".join(more),
        f"What it hinges on: {claim.hinges.removesuffix('.')}." if claim.hinges else "",
    )
