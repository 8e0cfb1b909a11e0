"""A device on another machine: it brings what it senses, its password and the edge's address, and asks for the rest."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from twinsync.errors import InputError
from twinsync.live.bus.interface import Bus
from twinsync.live.protocol import messages as say
from twinsync.live.protocol.frame import ProtocolError
from twinsync.live.running import cell as names
from twinsync.live.running.cell import Cell, new_session

AGAIN_S, PATIENCE_S = 0.5, 240.0  # an edge that compiles does not answer meanwhile
SCENARIO_FILE = "scenario.toml"


def answer_joins(bus: Bus, cell: Cell) -> None:
    """Tell each device that asks what it has to know of the cell."""
    file = Path(cell.scenario)
    text = file.read_text("utf-8") if file.is_file() else ""

    def hear(topic: str, data: bytes) -> None:
        with contextlib.suppress(ProtocolError):  # a message that is none has no answer
            message = say.decode(data)
            if isinstance(message, say.Join) and topic == names.JOIN + message.thing:
                told = say.Settings(
                    *(message.thing, message.request, cell.scenario, text, cell.overrides),
                    *(cell.devices, cell.seed, cell.radio, cell.first_slot),
                )
                bus.publish(names.TO + message.thing, say.encode(told))

    bus.subscribe(names.JOIN + "**", hear)


async def ask_settings(bus: Bus, thing: str, patience_s: float = PATIENCE_S) -> say.Settings:
    """What the edge says of the cell. Raises `InputError` where it does not answer."""
    request, loop = new_session(), asyncio.get_running_loop()
    answered: asyncio.Future[say.Settings] = loop.create_future()

    def hear(topic: str, data: bytes) -> None:
        with contextlib.suppress(ProtocolError):
            message = say.decode(data)
            if isinstance(message, say.Settings) and message.request == request and not answered.done():
                answered.set_result(message)

    bus.subscribe(names.TO + thing, hear)
    until = loop.time() + patience_s
    while loop.time() < until:
        bus.publish(names.JOIN + thing, say.encode(say.Join(thing, request)))
        done, _ = await asyncio.wait([answered], timeout=AGAIN_S)
        if done:
            return answered.result()
    raise InputError(f"the edge does not answer {thing} within {patience_s:g} s; does its cell have this device?")


def joined(told: say.Settings, folder: Path, own: Cell) -> Cell:
    """The cell as a device knows it: `own` with what the edge told; a scenario of the edge's own goes into `folder`."""
    scenario = told.scenario
    if told.text:
        path = folder / SCENARIO_FILE
        try:
            path.write_text(told.text, "utf-8")
        except OSError as error:
            raise InputError(f"--data {folder}: cannot be written: {error.strerror}; choose another place") from None
        scenario = str(path)
    return msgspec.structs.replace(
        own,
        scenario=scenario,
        overrides=told.overrides,
        devices=told.devices,
        seed=told.seed,
        first_slot=told.first_slot,
        radio=own.radio or told.radio,
    )
