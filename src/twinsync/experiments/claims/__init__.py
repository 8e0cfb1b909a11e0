"""Checks of the paper's claims: a table of verdicts, and their sensitivity to assumed constants (`sensitivity`)."""

from twinsync.experiments.claims.statements import check_claims

__all__ = ["check_claims"]
