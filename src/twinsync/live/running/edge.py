"""The edge's process: bus, decoders, allocator and store around the protocol's state machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from twinsync.codec.container import StreamError
from twinsync.codec.ends import EdgeEnd, identity
from twinsync.errors import InputError
from twinsync.live.bus.interface import Bus
from twinsync.live.protocol import clock
from twinsync.live.protocol import effects as do
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.edge import Edge
from twinsync.live.protocol.frame import ALONE
from twinsync.live.running import cell as names
from twinsync.live.running import records
from twinsync.live.running.cell import Cell, new_session
from twinsync.live.running.decisions import Decider
from twinsync.live.running.ledger import Ledger
from twinsync.live.running.operators import Operators
from twinsync.live.running.pages import Pages
from twinsync.live.running.process import Process
from twinsync.live.running.restoring import EVERY, context_file, keep_context, rebuild
from twinsync.live.running.sources import USUAL, warm_codecs
from twinsync.live.running.standing import Standings
from twinsync.live.running.state_file import state_file
from twinsync.live.store.interface import Conflict, StoreError, TwinStore

PRUNE_SLOTS = 25  # between two removals of older revisions
STOP_POLL_S = 0.01


class EdgeProcess(Process):
    """The edge of a cell."""

    def __init__(self, folder: Path, cell: Cell, bus: Bus, store: TwinStore, decider: Decider, at: clock.Clock) -> None:
        stored = store.newest()
        newest = {thing: kept.revision for thing, kept in stored.items()}
        self.decoders = {thing: EdgeEnd(cell.most_samples(thing)) for thing in cell.things}
        held = rebuild(self.decoders, store, folder)
        super().__init__("edge", Edge(cell.things, newest, new_session(), identity(), at, held))
        if newest:
            self.log(f"{len(held)} of {len(newest)} twins' states are rebuilt from the store")
        self.folder, self.cell, self.bus, self.store, self.decider = folder, cell, bus, store, decider
        self.ledger = Ledger(decider, at, self.core.session)
        self.twins = Standings(cell.things, self.now, stored)
        self.operators = Operators(at.slot_s, self.now, self.twins)
        self.pages = Pages(self.operators, self.twins, self._show)
        self._changing = asyncio.Lock()
        self._commits = dict.fromkeys(cell.things, 0)
        self._disk, self._codec = ThreadPoolExecutor(1), ThreadPoolExecutor(2)
        self._allocator, self._books = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        own: dict[type, Callable[[Any], object]] = {
            do.Send: self._send,
            do.Decide: lambda effect: self.later(self._decide(effect)),
            do.Recover: lambda effect: self.later(self._recover(effect)),
            do.Commit: lambda effect: self.later(self._commit(effect)),
            do.SlotEnded: lambda effect: self.later(self._end_slot(effect)),
            do.Stop: self._stop,
        }
        self.effects |= own

    def join(self) -> None:
        """Listen to the devices, and begin."""
        self.bus.subscribe(names.CONTROL + "**", self._control)
        self.bus.subscribe(names.FRAMES + "**", self._frame)
        self.bus.subscribe(names.ASK, self._asked)
        self.do(self.core.start(self.now(), self.cell.first_slot))

    def stop(self) -> None:
        """Commit what is recovered and end."""
        self.later(self._stop_cleanly())

    async def _stop_cleanly(self) -> None:
        while self.core.committing:  # one that ends starts another where more has been recovered meanwhile
            await asyncio.sleep(STOP_POLL_S)
        for effect in self.core.stop():
            await self._commit(effect)
        self.end(0)

    def _control(self, topic: str, data: bytes) -> None:
        thing = topic.removeprefix(names.CONTROL)
        try:
            message = say.decode(data)
        except ValueError as error:
            self.log_dropped(str(error), thing)
            return
        if not isinstance(message, say.FROM_DEVICE) or message.thing != thing:
            self.log_dropped("it is not from the device of its topic", thing)
            return
        if isinstance(message, say.Reported):
            self.ledger.reported(message)
        self.tell(message)

    def _frame(self, topic: str, data: bytes) -> None:
        thing = topic.removeprefix(names.FRAMES)
        if thing in self.decoders:
            self.tell(do.Received(thing, data))

    def _send(self, effect: do.Send) -> None:
        message = effect.message
        if isinstance(message, say.Opened):
            self.ledger.opened(message.slot, self.now())
            self.operators.opened()
            self.bus.publish(names.OPENED, say.encode(message))
        else:
            self.bus.publish(names.TO + message.thing, say.encode(message))  # type: ignore[attr-defined]

    async def _decide(self, effect: do.Decide) -> None:
        began, decider = self.now(), self.decider
        try:
            decided = await self.loop.run_in_executor(self._allocator, self._decide_in_time, decider, effect)
        except Exception as error:  # an allocator may be the user's own; the next slot may go better
            self.log(f"no allocation: {type(error).__name__}: {' '.join(str(error).split())}", slot=effect.slot)
            return
        if decided is None:
            self.log("no allocation: the one before took until the next slot", slot=effect.slot)
            return
        self.ledger.decided(effect, decided, self.now() - began, decider.name)
        self.tell(do.Decided(effect.slot, decided))

    def _decide_in_time(self, decider: Decider, effect: do.Decide) -> dict[str, say.Allocation] | None:
        """What the allocator decides; None if the slot is over by its turn, so that a slow one does not fall behind."""
        return decider.decide(effect.slot, effect.sights) if effect.slot == self.core.newest_slot else None

    def _asked(self, topic: str, data: bytes) -> None:
        try:
            message = say.decode(data)
        except ValueError as error:
            self.log_dropped(str(error), names.OPERATOR)
            return
        if isinstance(message, say.Change):
            self.later(self._change(message))

    async def _change(self, message: say.Change) -> None:
        """Let another allocator decide, once it has shown that it can; slots go on meanwhile with the old one."""
        async with self._changing:
            before = self.decider
            try:
                decider = await asyncio.to_thread(before.changed, message.allocator, self.cell.first_slot)
                cell = msgspec.structs.replace(self.cell, allocator=message.allocator)
                names.write_cell(self.folder, cell)
            except Exception as error:  # it may be the user's own code
                kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
                answer = say.Changed(message.request, False, f"{kind}{' '.join(str(error).split())}")
                self.log(f"{before.name} goes on: {answer.text}")
            else:
                self.decider, self.cell = decider, cell
                answer = say.Changed(message.request, True, f"{decider.name} decides instead of {before.name}")
                self.log(answer.text)
        self.bus.publish(f"{names.ANSWER}{message.request}", say.encode(answer))

    async def _recover(self, effect: do.Recover) -> None:
        """Decode in another thread; the cycles metered there set how long it takes at f_e."""
        began = self.now()
        which = (effect.thing, effect.session, effect.slot, effect.revision)
        try:
            cycles = await self.loop.run_in_executor(self._codec, self._decode, effect)
        except (StreamError, MemoryError) as error:
            self.tell(do.NotRecovered(*which, str(error) or type(error).__name__))
            return
        await self.sleep_until(began + cycles / effect.edge_cpu_hz)
        self.ledger.recovered(effect, self.now() - began, self.now(), cycles)
        self.tell(do.Recovered(*which, self.ledger.document(effect)))

    def _decode(self, effect: do.Recover) -> float:
        reference = None if effect.reference == ALONE else effect.reference
        if effect.slot not in self.core.slots:  # streams that take long must not make those of others wait in vain
            raise StreamError("its slot is over")
        began = time.thread_time()
        self.decoders[effect.thing].decode(effect.stream, effect.revision, reference)
        return (time.thread_time() - began) * self.cell.clock_hz

    async def _commit(self, effect: do.Commit) -> None:
        began = self.now()
        try:
            await self.loop.run_in_executor(self._disk, self.store.commit, effect.writes, began)
        except StoreError as error:
            self.tell(do.NotCommitted(effect.writes, str(error), isinstance(error, Conflict)))
            return
        for write in effect.writes:
            self.ledger.committed(write, self.now() - began)
            reported = self.ledger.reported_in(write.slot, write.thing)
            self.twins.stored(write, self.ledger.opened_at_s(write.slot), reported)
            self._commits[write.thing] += 1
            if self._commits[write.thing] % EVERY == 0:
                self.later(self._keep_context(write))
        self.tell(do.Committed(effect.writes))

    async def _show(self, thing: str, revision: int) -> tuple[str, bytes] | None:
        """A twin's state as a file, made in another thread."""
        return await asyncio.to_thread(state_file, self.decoders[thing], revision)

    async def _keep_context(self, write: do.Write) -> None:
        arguments = (context_file(self.folder, write.thing), self.decoders[write.thing].at(write.revision))
        try:
            await self.loop.run_in_executor(self._disk, keep_context, *arguments)
        except OSError as error:
            self.log(f"a decoder's context is not kept: {error.strerror}", thing=write.thing)

    async def _end_slot(self, effect: do.SlotEnded) -> None:
        record = await self.loop.run_in_executor(self._books, self.ledger.close, effect)
        try:
            records.append(self.folder / names.SLOTS_FILE, record)
        except OSError as error:
            self.log(f"the slot is not recorded: {error.strerror}", slot=record.slot)
        self.operators.ended(record)
        self.twins.ended(record)
        if self.cell.keep is not None and effect.slot % PRUNE_SLOTS == 0:
            self.later(self._prune(self.cell.keep))
        last = None if self.cell.slots is None else self.cell.first_slot + self.cell.slots - 1
        if last is not None and effect.slot >= last:
            self.end(0)

    async def _prune(self, keep: int) -> None:
        try:
            removed = await self.loop.run_in_executor(self._disk, self.store.prune, keep)
        except StoreError as error:
            self.log(f"older revisions are still there: {error}")
        else:
            if removed:
                self.log(f"{removed} older revisions were removed")

    def _stop(self, effect: do.Stop) -> None:
        self.log(f"stops: {effect.reason}")
        self.end(1)

    def warm_up_meanwhile(self) -> None:
        """Load while slots pass what they would otherwise wait for; an allocator that fails says so with each slot."""
        try:
            self.warm_up()
        except Exception as error:  # an allocator may be the user's own
            self.log(f"not warmed up: {type(error).__name__}: {' '.join(str(error).split())}")

    def warm_up(self) -> None:
        """Load what the first slot would otherwise wait for."""
        cell = self.cell
        elsewhere = dict.fromkeys(cell.things, float(self.decider.scenario.data_max_bits)) if cell.listen else {}
        sizes = elsewhere or {thing: float(cell.sensor_of(thing).data_bits) for thing in cell.things}
        sights = {thing: do.Sight(50.0, bits) for thing, bits in sizes.items()}
        for slot in range(self.cell.first_slot, self.cell.first_slot + 2):
            self.decider.predict(slot, self.decider.decide(slot, sights), sights)
        warm_codecs(self.cell.sensors or USUAL)
