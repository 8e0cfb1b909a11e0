"""The edge's notes on a slot, closed in one thread while a late report comes in another."""

from __future__ import annotations

from collections.abc import ItemsView

import msgspec

from twinsync.live.protocol.clock import Clock
from twinsync.live.protocol.effects import Decide, Sight, SlotEnded
from twinsync.live.protocol.messages import Allocation, Reported
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


def test_a_report_of_what_was_not_granted_is_left_out() -> None:
    granted = Allocation(0.5, 1e9, 0.1, 2e9)
    ledger = Ledger(object.__new__(Decider), Clock(0.0, 1.0, 0.25), 7)
    ledger.opened(0, 0.0)
    ledger.decided(Decide(0, {"a:1": Sight(50.0, 1e5)}), {"a:1": granted}, 0.01, "equal-share")

    def told(**changes: float) -> Reported | None:
        applied = msgspec.structs.replace(granted, **changes)
        ledger.reported(Reported("a:1", 1, 0, 0, applied, 0.2, 0.1, 1e8, 0.1))
        return ledger.reported_in(0, "a:1")

    assert told(transmit_power_w=0.0) is None  # its energy and its airtime would be no numbers
    assert told(extraction_factor=0.0) is None
    kept = told(extraction_factor=0.4)
    assert kept is not None
    assert kept.applied.extraction_factor == 0.4
