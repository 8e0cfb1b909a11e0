"""The paper's claims, checked: a table of verdicts, and (`sensitivity`) which assumed constants they hinge on."""

from twinsync.experiments.claims.statements import Claim, Outcome, Source, check_claims

__all__ = ["Claim", "Outcome", "Source", "check_claims"]
