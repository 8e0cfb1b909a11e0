"""Events that a state machine handles beside messages, and the effects that it returns."""

from __future__ import annotations

import msgspec

from twinsync.live.protocol.messages import Allocation, Message


class Event(msgspec.Struct, frozen=True):
    """Base of all events."""


class Effect(msgspec.Struct, frozen=True):
    """Base of all effects: what the process around a state machine is to do."""


class Send(Effect, frozen=True):
    """Send a control message; the edge's go to their `thing`, or to all where they name none."""

    message: Message


class SetTimer(Effect, frozen=True):
    """Call back at a time with `TimerFired` of the same name and slot."""

    name: str
    slot: int
    at_s: float


class TimerFired(Event, frozen=True):
    """A timer's time has come."""

    name: str
    slot: int


class Stop(Effect, frozen=True):
    """End the process, for this reason."""

    reason: str


class Log(Effect, frozen=True):
    """One line for the operator; of what a thing sends that is dropped, one for the first and then a count."""

    text: str
    dropped_from: str = ""


# The device's.


class Sense(Effect, frozen=True):
    """Begin to read the sensors: answered by `Observed` at once and by `Sensed` at the end."""

    slot: int


class Observed(Event, frozen=True):
    """Sensing began: how much there will be, from where, and when on the device's clock."""

    slot: int
    distance_m: float
    data_bits: float
    observed_at: float


class Sensed(Event, frozen=True):
    """Sensing ended."""

    slot: int
    sensing_s: float


class Extract(Effect, frozen=True):
    """Code what was sensed into `stream_bytes` bytes, within f; answered by `Extracted`.

    `reference` is the revision to code against, -1 for none.
    """

    slot: int
    revision: int
    reference: int
    stream_bytes: int
    device_cpu_hz: float


class Extracted(Event, frozen=True):
    """The stream of a slot, and the revision it was coded against."""

    slot: int
    revision: int
    reference: int
    stream: bytes
    extraction_s: float
    cycles: float
    fidelity_db: float = 0.0  # of what the edge will recover against what was sensed
    stale_db: float | None = None  # of the reference against it, None without one


class ExtractionFailed(Event, frozen=True):
    """There is no stream of a slot."""

    slot: int
    reason: str


class Transmit(Effect, frozen=True):
    """Send a frame over the radio at power p; answered by `Sent`."""

    slot: int
    frame: bytes
    transmit_power_w: float


class Sent(Event, frozen=True):
    """The frame's last bit is on the air."""

    slot: int
    uplink_s: float


class Abandon(Effect, frozen=True):
    """Drop what is still to extract or to send of a slot: a newer one takes its place."""

    slot: int


class UseReference(Effect, frozen=True):
    """The revision was acknowledged; keep a record of it before it is coded against. Answered by `NotKept` alone."""

    slot: int
    revision: int


class NotKept(Event, frozen=True):
    """There is no record of an acknowledgement."""

    revision: int


# The edge's.


class Received(Event, frozen=True):
    """A frame came in for a thing."""

    thing: str
    frame: bytes


class Sight(msgspec.Struct, frozen=True):
    """What is known of a device before the decision: eq. (20), the kind of its sensor, and how good its twin is.

    kind: empty if unknown. twin_db: fidelity of the state that the next frame builds on [dB], 0 without one.
    """

    distance_m: float
    data_bits: float
    kind: str = ""
    twin_db: float = 0.0


class Decide(Effect, frozen=True):
    """Allocate for the devices that reported; answered by `Decided`."""

    slot: int
    sights: dict[str, Sight]


class Decided(Event, frozen=True):
    """The slot's allocation."""

    slot: int
    allocations: dict[str, Allocation]


class Recover(Effect, frozen=True):
    """Decode a stream against a held revision (-1: none), within f_e; answered by `Recovered` or `NotRecovered`."""

    thing: str
    session: int
    slot: int
    revision: int
    reference: int
    stream: bytes
    edge_cpu_hz: float


class Recovered(Event, frozen=True):
    """A twin's next state; `document` is what the store is to keep of it."""

    thing: str
    session: int
    slot: int
    revision: int
    document: bytes


class NotRecovered(Event, frozen=True):
    """The stream does not decode."""

    thing: str
    session: int
    slot: int
    revision: int
    reason: str


class Write(msgspec.Struct, frozen=True):
    """One twin's next revision. `previous` is the newest one in the store, -1 for none: compare and set."""

    thing: str
    revision: int
    previous: int
    slot: int
    observed_at: float
    document: bytes


class Commit(Effect, frozen=True):
    """Write all of these or none; answered by `Committed` or `NotCommitted`."""

    writes: tuple[Write, ...]


class Committed(Event, frozen=True):
    """The writes are stored, as durably as the store was opened for."""

    writes: tuple[Write, ...]


class NotCommitted(Event, frozen=True):
    """None of them is in the store. `conflict`: another edge writes it."""

    writes: tuple[Write, ...]
    reason: str
    conflict: bool = False


class SlotEnded(Effect, frozen=True):
    """How a slot ended for each device that was there when it opened: `committed`, or why its twin missed it."""

    slot: int
    outcomes: dict[str, str]
