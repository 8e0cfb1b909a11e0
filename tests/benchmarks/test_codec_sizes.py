"""Streams of random phi and D have the exact size: the benchmark's check, a few rounds of it."""

from __future__ import annotations

from benchmarks.codec_sizes import check, exact_bytes


def test_sizes_are_exact() -> None:
    ends = check(60, seed=1)
    assert ends["frames"] > 0
    assert ends["windows"] > 0


def test_exact_bytes_by_hand() -> None:
    # D = 48 x 80 x 8 = 30,720 bit: 0.05 D = 1536 bit, 192 bytes; 0.0501 D = 1539.07, 192; 0.0503 D = 1545.2, 193.
    assert [exact_bytes(factor, 30_720) for factor in (0.05, 0.0501, 0.0503)] == [192, 192, 193]
