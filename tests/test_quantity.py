"""Quantities as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsync.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        (6, "", 6.0),
        (0.25, "", 0.25),
        ("0.25", "", 0.25),
        ("2e5", "Hz", 2e5),
        ("0.2 MHz", "Hz", 0.2 * 1e6),
        ("0.2MHz", "Hz", 0.2 * 1e6),
        ("  1 GHz ", "Hz", 1e9),
        (".5 kHz", "Hz", 500.0),
        ("-3. m", "m", -3.0),
        ("5 mm", "m", 5e-3),
        ("1 km", "m", 1e3),
        ("30 s", "s", 30.0),
        ("7 µs", "s", 7e-6),
        ("7 us", "s", 7e-6),
        ("0.8 Mbit", "bit", 0.8 * 1e6),
        ("2.5 Mbit/s", "bit/s", 2.5e6),
        ("10 nJ/bit", "J/bit", 1e-8),
        ("300 cycle/bit", "cycle/bit", 300.0),
        ("+10 mW", "W", 1e-2),
        ("inf", "s", math.inf),
        ("-inf", "m", -math.inf),
    ],
)
def test_reads_si_value(text, unit, value):
    assert parse_quantity(text, unit, where="key") == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [("-30 dB", "", 1e-3), ("3 dB", "", 1.9952623), ("-80 dBm", "W", 1e-11), ("20 dBm", "W", 0.1)],
)
def test_reads_decibels(text, unit, value):
    assert parse_quantity(text, unit, where="key") == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("0.2 MW", "Hz", "expected Hz"),
        ("0.2 mhz", "Hz", "expected Hz"),
        ("20 dBm", "Hz", "expected Hz"),
        ("-30 dB", "W", "expected W"),
        ("5 W", "", "expected a pure number or dB"),
        ("5 k", "", "expected a pure number or dB"),
        ("fast", "m/s", "expected a number in m/s"),
        ("", "", "expected a number"),
        ("1_000", "", "wrong unit"),
        ("0x10", "", "wrong unit"),
        ("nan", "Hz", "expected a number in Hz"),
        ("1\n2", "Hz", "wrong unit"),
        (math.nan, "Hz", "NaN is not a value"),
        (True, "", "expected a number"),
        ([1.0], "Hz", "expected a number in Hz"),
        (None, "Hz", "expected a number in Hz"),
        ("99999 dB", "", "too large"),
        ("1e9 dBm", "W", "too large"),
        (10**400, "Hz", "too large"),
    ],
)
def test_names_place_and_fix(text, unit, expected, complains):
    with complains("my.toml: key", expected):
        parse_quantity(text, unit, where="my.toml: key")


@given(
    value=st.floats(-1e30, 1e30),
    prefix=st.sampled_from([("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9)]),
    unit=st.sampled_from(["Hz", "s", "bit/s", "m", "J"]),
)
def test_prefix_scales(value, prefix, unit):
    name, factor = prefix
    assert parse_quantity(f"{value!r} {name}{unit}", unit, where="key") == pytest.approx(value * factor, rel=1e-15)
