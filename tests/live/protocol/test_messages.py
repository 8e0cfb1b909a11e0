"""Control messages: typed, versioned, and nothing malformed comes through."""

from __future__ import annotations

import json
import random

import pytest

from twinsync.live.protocol import messages
from twinsync.live.protocol.frame import ProtocolError, UnknownVersion

APPLIED = messages.Allocation(0.02, 1e9, 0.1, 1.6e9)
ALL = [
    messages.Birth("cell:0", 5, "camera-1", ("camera",), -1),
    messages.Welcome("cell:0", 5, 9, 41, (40, 41)),
    messages.Refused("cell:0", 5, "no such thing"),
    messages.Opened(9, 3),
    messages.Report("cell:0", 5, 3, 50.25, 614400.0, 1.5e9, "camera", 38.25),
    messages.Desired("cell:0", 5, 3, APPLIED, 41),
    messages.Acknowledged("cell:0", 5, 3, 42),
    messages.Rejected("cell:0", 5, 3, 42, "reference 40 is not held", (41,)),
    messages.Reported("cell:0", 5, 3, 42, APPLIED, 0.25, 0.1, 2.5e8, 0.3),
    messages.Farewell("cell:0", 5),
]


@pytest.mark.parametrize("message", ALL, ids=lambda message: type(message).__name__)
def test_a_message_comes_back(message: messages.Message) -> None:
    data = messages.encode(message)
    assert json.loads(data)["protocol"] == 1
    assert json.loads(data)["type"] == type(message).__name__.lower()
    assert messages.decode(data) == message


@pytest.mark.parametrize("version", [2, "1", None])
def test_another_version_is_named(version: object) -> None:
    content = {**json.loads(messages.encode(ALL[0])), "protocol": version}
    with pytest.raises(UnknownVersion, match=r"this release knows 1"):
        messages.decode(json.dumps(content).encode())


def test_a_version_of_the_future_may_look_otherwise() -> None:
    with pytest.raises(UnknownVersion, match="version 7"):
        messages.decode(b'{"protocol": 7, "kind": {"what": "ever"}}')


def test_a_thousand_malformed_messages() -> None:
    dice = random.Random(1)
    whole = [bytearray(messages.encode(message)) for message in ALL]
    refused = 0
    for number in range(1000):
        data = bytearray(dice.choice(whole))
        if number % 2:
            del data[dice.randrange(len(data)) :]
        else:
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            messages.decode(bytes(data))
        except ProtocolError:
            refused += 1
    assert refused > 600  # a changed digit of a number is still a message


def test_too_long() -> None:
    with pytest.raises(ProtocolError, match="exceeds 65536"):
        messages.decode(messages.encode(messages.Refused("cell:0", 5, "x" * 70000)))
