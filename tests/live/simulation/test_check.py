"""The simulated cell: the protocol holds, and each planted fault of a program is found, replayed and shrunk."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest

from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.device import Device
from twinsync.live.protocol.edge import Edge
from twinsync.live.simulation import invariants
from twinsync.live.simulation.check import check, run
from twinsync.live.simulation.invariants import Violation
from twinsync.live.simulation.parts import Maker
from twinsync.live.simulation.schedule import KINDS, draw
from twinsync.live.store.memory import MemoryStore


def test_a_thousand_schedules() -> None:
    """In a process of its own, where annotations are not checked at each call."""
    code = "import sys; from twinsync.__main__ import main; main()"
    command = [sys.executable, "-c", code, "live", "check", "--schedules", "1000", "--seed", "0", "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["failure"] is None
    assert result["schedules"] == 1000
    assert result["totals"]["commits"] > 10_000
    assert result["totals"]["missed"] > 1_000
    assert "every invariant held" in done.stderr


def test_schedules_have_every_kind_of_fault() -> None:
    assert {fault.kind for seed in range(100) for fault in draw(seed).faults} == set(KINDS)


def test_a_schedule_is_the_same_run_again() -> None:
    assert run(draw(5)) == run(draw(5))
    assert run(draw(5)) != run(draw(6))


class AcknowledgesEarly(Edge):
    """Says that a revision is stored when it has only asked for it."""

    def _commit(self) -> list[do.Effect]:
        effects = super()._commit()
        writes = [write for effect in effects if isinstance(effect, do.Commit) for write in effect.writes]
        early = [say.Acknowledged(w.thing, self.members[w.thing].session, w.slot, w.revision) for w in writes]
        return [*map(do.Send, early), *effects]


class DecodesAgainstTheNewest(Edge):
    """Takes its newest revision for the reference, whatever the frame says."""

    def _received(self, event: do.Received, now_s: float) -> list[do.Effect]:
        effects = super()._received(event, now_s)
        return [
            msgspec.structs.replace(effect, reference=max(self.members[effect.thing].held))
            if isinstance(effect, do.Recover) and effect.reference >= 0
            else effect
            for effect in effects
        ]


class TakesOldSlots(Edge):
    """Lets a recovered state wait, even behind a newer one."""

    def _committed(self, event: do.Committed, now_s: float) -> list[do.Effect]:
        effects = super()._committed(event, now_s)
        for write in event.writes:
            again = msgspec.structs.replace(
                write, revision=write.revision + 1, previous=write.revision, slot=write.slot
            )
            if write.slot == 3:
                effects.append(do.Commit((again,)))
        return effects


class StoresLateRecoveries(Edge):
    """Wants a state stored though a newer one is."""

    def _commit(self) -> list[do.Effect]:
        late = [write for write in self._ready.values() if write.revision <= self.members[write.thing].newest]
        return [do.Commit(tuple(late))] if late else super()._commit()


class WaitsForTheDisk(Edge):
    """Opens no slot while a transaction is under way."""

    def _timer(self, event: do.TimerFired, now_s: float) -> list[do.Effect]:
        if event.name == "open" and self._committing:
            return [do.SetTimer("open", event.slot, now_s + 0.01)]
        return super()._timer(event, now_s)


class WaitsForStragglers(Edge):
    """Ends no slot that has missing devices."""

    def _close(self, number: int) -> list[do.Effect]:
        whole = all(stage == "committed" for stage in self.slots[number].stages.values())
        return super()._close(number) if whole else []


class UsesWhatItSent(Device):
    """Codes against its newest revision, acknowledged or not."""

    def _reference(self) -> int:
        return max(self._sent, default=-1)


class IgnoresRejections(Device):
    """Believes that any edge holds what the last one held."""

    def _opened(self, message: say.Opened, now_s: float) -> list[do.Effect]:
        if self._edge is not None:
            self._edge = message.edge
        return super()._opened(message, now_s)


BUGS = {
    "acknowledges early": (Maker(edge=AcknowledgesEarly), invariants.LOST),
    "does not sync": (Maker(store=lambda: MemoryStore("process")), invariants.LOST),
    "decodes against the newest": (Maker(edge=DecodesAgainstTheNewest), invariants.WRONG),
    "stores what no device sensed": (Maker(edge=TakesOldSlots), invariants.WRONG),
    "stores late recoveries": (Maker(edge=StoresLateRecoveries), invariants.STOPPED),
    "waits for the disk": (Maker(edge=WaitsForTheDisk), invariants.BLOCKED),
    "waits for stragglers": (Maker(edge=WaitsForStragglers), invariants.UNFINISHED),
    "uses what it sent": (Maker(device=UsesWhatItSent), invariants.UNHEALED),
    "ignores another edge": (Maker(device=IgnoresRejections), invariants.UNHEALED),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_and_shrunk(name: str) -> None:
    maker, invariant = BUGS[name]
    failure = check(120, 0, maker).failure
    assert failure is not None
    assert failure.violation.startswith(invariant)
    whole = draw(failure.seed)
    assert len(failure.shrunk.faults) <= 2
    assert failure.shrunk.devices <= whole.devices
    assert failure.shrunk.slots <= whole.slots
    with pytest.raises(Violation) as again:
        run(failure.shrunk, maker)
    assert str(again.value) == failure.shrunk_violation


def test_the_bug_of_power_loss_shrinks_to_the_power_loss() -> None:
    failure = check(60, 0, BUGS["does not sync"][0]).failure
    assert failure is not None
    assert [fault.kind for fault in failure.shrunk.faults] == ["power fails"]
