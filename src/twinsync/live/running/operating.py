"""What an operator asks a running cell for, over its bus."""

from __future__ import annotations

import asyncio
from pathlib import Path

from twinsync.allocators.registry import known_names
from twinsync.errors import InputError
from twinsync.live.bus.interface import Bus, BusError
from twinsync.live.bus.zenoh import connect
from twinsync.live.protocol import messages as say
from twinsync.live.running import cell as names
from twinsync.live.running.cell import new_session, read_cell
from twinsync.live.running.sources import absolute

PATIENCE_S = 120.0  # an allocator may have to be compiled
SETTLE_S = 0.2  # until a subscription has reached the edge


async def ask_change(bus: Bus, allocator: str, patience_s: float = PATIENCE_S) -> say.Changed:
    """Ask the edge on a bus for another allocator; its answer. Raises `InputError` where none comes."""
    request = new_session()
    answered: asyncio.Future[say.Changed] = asyncio.get_running_loop().create_future()

    def hear(topic: str, data: bytes) -> None:
        message = say.decode(data)
        if isinstance(message, say.Changed) and message.request == request and not answered.done():
            answered.set_result(message)

    bus.subscribe(f"{names.ANSWER}{request}", hear)
    await asyncio.sleep(SETTLE_S)
    bus.publish(names.ASK, say.encode(say.Change(request, allocator)))
    try:
        return await asyncio.wait_for(answered, patience_s)
    except TimeoutError:
        raise InputError(f"no answer from the edge within {patience_s:g} s; the allocator is as it was") from None


async def change_allocator(folder: Path, allocator: str) -> str:
    """Let another allocator decide in the cell of a folder; what it answered. Raises `InputError` where it refused."""
    cell = read_cell(folder)
    allocator = absolute(allocator, known_names())  # the edge's process may have started elsewhere
    try:
        bus = connect(cell.access_as(folder, names.OPERATOR))
    except BusError:
        raise InputError(f"--data {folder}: no cell runs there; start it with twinsync live --data {folder}") from None
    try:
        answer = await ask_change(bus, allocator)
    finally:
        bus.close()
    if not answer.done:
        raise InputError(answer.text)
    return answer.text
