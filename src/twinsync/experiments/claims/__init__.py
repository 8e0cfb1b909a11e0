"""The paper's claims, checked: a table of verdicts, and (`sensitivity`) which assumed constants they hinge on."""

from twinsync.experiments.claims.statements import check_claims

__all__ = ["check_claims"]
