"""Control messages: typed JSON, one object each, `{"protocol": 1, "type": ..., ...}`.

A thing is a device's twin. A session is one life of a device's or an edge's process: it tells a restart from a
repetition. Quantities are SI units.
"""

from __future__ import annotations

from typing import Any

import msgspec

from twinsync.live.protocol.frame import ProtocolError, UnknownVersion

VERSION = 1
MOST_BYTES = 65536


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """Base of all control messages."""


class Birth(Message, frozen=True):
    """Device to edge: here I am. `codec` identifies its tables; `acknowledged` is its reference, -1 for none."""

    thing: str
    session: int
    codec: str
    sensors: tuple[str, ...]
    acknowledged: int


class Welcome(Message, frozen=True):
    """Edge to device: take part. Revisions are numbered above `highest`; `held` are those to code against."""

    thing: str
    session: int
    edge: int
    highest: int
    held: tuple[int, ...]


class Refused(Message, frozen=True):
    """Edge to device: stop, for this reason."""

    thing: str
    session: int
    reason: str


class Opened(Message, frozen=True):
    """Edge to all devices: slot begins; read the sensors."""

    edge: int
    slot: int


class Report(Message, frozen=True):
    """Device to edge: the state of eq. (20), and when it was read on the device's clock.

    `kind` is its sensor's, empty if it does not say. `twin_db` is the fidelity of the state that its next frame builds
    on, 0 without one.
    """

    thing: str
    session: int
    slot: int
    distance_m: float
    data_bits: float
    observed_at: float
    kind: str = ""
    twin_db: float = 0.0


class Allocation(msgspec.Struct, frozen=True):
    """One device's part of the action of eq. (21)."""

    extraction_factor: float
    device_cpu_hz: float
    transmit_power_w: float
    edge_cpu_hz: float


class Desired(Message, frozen=True):
    """Edge to device: the slot's allocation, the desired state. `acknowledged` repeats the newest, if any was lost."""

    thing: str
    session: int
    slot: int
    allocation: Allocation
    acknowledged: int


class Acknowledged(Message, frozen=True):
    """Edge to device: the revision is in the store, and the codec's new reference."""

    thing: str
    session: int
    slot: int
    revision: int


class Rejected(Message, frozen=True):
    """Edge to device: the revision cannot be recovered; code against one of `held`, or alone."""

    thing: str
    session: int
    slot: int
    revision: int
    reason: str
    held: tuple[int, ...]


class Reported(Message, frozen=True):
    """Device to edge: what was applied in the slot and how long each part took, the reported state.

    `fidelity_db` is of what the edge will recover, `stale_db` of the state it was coded against, None if it was coded
    alone: both against what was sensed in this slot.
    """

    thing: str
    session: int
    slot: int
    revision: int
    applied: Allocation
    sensing_s: float
    extraction_s: float
    extraction_cycles: float
    uplink_s: float
    fidelity_db: float = 0.0
    stale_db: float | None = None


class Farewell(Message, frozen=True):
    """Device to edge: I leave."""

    thing: str
    session: int


class Join(Message, frozen=True):
    """Device on another machine to edge: what are the cell's settings? `request` is repeated in the answer."""

    thing: str
    request: int


class Settings(Message, frozen=True):
    """Edge to device: what it has to know of the cell. `scenario` is a preset's name, or `text` a scenario file's."""

    thing: str
    request: int
    scenario: str
    text: str
    overrides: tuple[str, ...]
    devices: int
    seed: int
    radio: str
    first_slot: int


class Change(Message, frozen=True):
    """Operator to edge: let another allocator decide. `request` is repeated in the answer."""

    request: int
    allocator: str


class Changed(Message, frozen=True):
    """Edge to operator: whether it was done, and in one line what holds from now on, or why not."""

    request: int
    done: bool
    text: str


AnyMessage = (
    Birth
    | Welcome
    | Refused
    | Opened
    | Report
    | Desired
    | Acknowledged
    | Rejected
    | Reported
    | Farewell
    | Join
    | Settings
    | Change
    | Changed
)
FROM_DEVICE = (Birth, Report, Reported, Farewell)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyMessage)
_PREFIX = b'{"protocol":%d,' % VERSION


class _Envelope(msgspec.Struct):
    protocol: Any = None


def encode(message: Message) -> bytes:
    """The message as JSON."""
    return _PREFIX + _encoder.encode(message)[1:]


def decode(data: bytes) -> AnyMessage:
    """The message. Raises `UnknownVersion`, and `ProtocolError` for what is no message of this version."""
    if len(data) > MOST_BYTES:
        raise ProtocolError(f"a message of {len(data)} bytes exceeds {MOST_BYTES}")
    try:
        version = msgspec.json.decode(data, type=_Envelope).protocol
        if version != VERSION:
            raise UnknownVersion(f"the message has protocol version {version!r}, this release knows {VERSION}")
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"not a message: {error}") from None
