"""The cap on a device's streams."""

from __future__ import annotations

from twinsync.live.running.effort import Effort

PICTURE, GRANTED = 76_800, 42_000


def test_a_first_picture_is_small_and_the_cap_soon_out_of_the_way() -> None:
    effort = Effort(PICTURE)
    sizes = []
    for slot in range(7):
        sizes.append(effort.stream_bytes(GRANTED, alone=slot == 0))
        effort.sent()
    assert sizes == [1536, 3072, 6144, 12288, 24576, GRANTED, GRANTED]


def test_what_is_granted_is_never_exceeded() -> None:
    assert Effort(PICTURE).stream_bytes(500, alone=True) == 500


def test_superseded_work_halves_it_and_it_rises_slowly_from_there() -> None:
    effort = Effort(PICTURE)
    for _ in range(4):
        effort.sent()  # 0.32
    effort.superseded()
    assert effort.stream_bytes(GRANTED, alone=False) == int(0.16 * PICTURE)
    effort.sent()
    assert effort.stream_bytes(GRANTED, alone=False) == int(0.176 * PICTURE)


def test_it_ends_at_what_a_small_picture_needs() -> None:
    effort = Effort(12_288)
    for _ in range(20):
        effort.superseded()
    assert effort.stream_bytes(GRANTED, alone=True) == 256
