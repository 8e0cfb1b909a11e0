"""The emulated radio against a kernel's token bucket, in a network namespace of its own, where one may be made."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from twinsync.live.radio.rates import Draws, Shannon, airtime_s
from twinsync.scenario import Scenario

PACKETS, PAYLOAD, HEADERS = 40, 1000, 14 + 20 + 8  # what the bucket counts of a datagram on top: link, IP, UDP

# The kernel notes when a datagram arrives, so that a busy machine does not count.
BUCKET = """
import socket, struct, subprocess, sys
rate, packets, payload = map(int, sys.argv[1:])
for command in ("ip link set lo mtu 1500 up", f"tc qdisc add dev lo root tbf rate {rate}bit burst 1600 limit 1000000"):
    subprocess.run(command.split(), check=True)
receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
SO_TIMESTAMPNS = 35
receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
receiver.settimeout(30)
receiver.bind(("127.0.0.1", 0))
for _ in range(packets):
    sender.sendto(bytes(payload), receiver.getsockname())
times = []
for _ in range(packets):
    _, ((_, _, stamp),), _, _ = receiver.recvmsg(payload, 64)
    seconds, nanoseconds = struct.unpack("qq", stamp)
    times.append(seconds + 1e-9 * nanoseconds)
print(times[-1] - times[0])
"""


def namespaces() -> bool:
    """Whether this user may make a network namespace with a token bucket in it."""
    if not all(map(shutil.which, ("unshare", "ip", "tc"))):
        return False
    command = "ip link set lo up && tc qdisc add dev lo root tbf rate 1mbit burst 1600 limit 1000"
    return subprocess.run(["unshare", "--net", "sh", "-c", command], capture_output=True).returncode == 0


def test_a_frame_takes_as_long_as_through_a_kernel_s_token_bucket(scenario: Scenario) -> None:
    if not namespaces():
        pytest.skip("network namespaces with tc need root and iproute2")
    rate = round(Shannon(Draws(scenario, seed=3, count=4))(2, 4, 0.1, 0.0))
    arguments = (str(rate), str(PACKETS), str(PAYLOAD))
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", BUCKET, *arguments], capture_output=True, text=True, check=True
    )
    emulated = airtime_s(8 * (PACKETS - 1) * (PAYLOAD + HEADERS), lambda elapsed: rate, 60.0)
    assert float(done.stdout) == pytest.approx(emulated, rel=0.05)
