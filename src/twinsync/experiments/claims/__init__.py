"""The paper's claims, checked: a table of verdicts, and (`sensitivity`) which assumed constants they hinge on."""

from twinsync.experiments.claims.claims import Claim, check_claims

__all__ = ["Claim", "check_claims"]
