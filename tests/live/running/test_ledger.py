"""The edge's notes on a slot, closed in one thread while a late report comes in another."""

from __future__ import annotations

from collections.abc import ItemsView

from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.effects import SlotEnded
from twinsync.live.running.decisions import Decider
from twinsync.live.running.ledger import Entry, Ledger
from twinsync.live.running.records import Synchronisation


class Growing(dict[str, Entry]):
    """Gets another entry while it is gone through, as the event loop adds one."""

    def items(self) -> ItemsView[str, Entry]:
        """As a dictionary has them."""
        return {key: self.setdefault(f"late {key}", value) for key, value in super().items()}.items()


def test_a_report_that_comes_while_its_slot_is_closed_harms_nothing() -> None:
    ledger = Ledger(object.__new__(Decider), Clock(0.0, 1.0, 0.25), 7)
    ledger.opened(0, 0.0)
    ledger._pages[0].entries = Growing({"a:1": Entry(), "a:2": Entry()})
    record = ledger.close(SlotEnded(0, {"a:1": "not received"}))
    assert record.devices == {"a:1": Synchronisation("not received")}
