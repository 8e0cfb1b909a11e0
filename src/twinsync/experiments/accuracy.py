"""The law of accuracy over phi that the latency/accuracy frontier assumes of a scenario without `accuracy_knots`.

The paper prints none. The sensed data are modelled as samples of an independent, identically distributed
Gaussian source, stored at `SAMPLE_BITS` bits each. Extraction keeps R = phi `SAMPLE_BITS` bits per sample, and no code
loses less than the source's distortion-rate function, D = sigma^2 2^(-2 R) (T. M. Cover, J. A. Thomas, Elements of
Information Theory, chapter 10). Accuracy is the share of the signal's power that survives, A = 1 - D / sigma^2. Real
sensor data are correlated, so a good codec loses less than that at the same phi.
"""

from __future__ import annotations

from twinsync.experiments.records import ConstantEntry

SAMPLE_BITS = 8.0


def lost_share(extraction_factor: float) -> float:
    """1 - A(phi) = 2^(-2 b phi): the share of the signal's power lost by the best code of phi b bits per sample."""
    return 2.0 ** (-2.0 * SAMPLE_BITS * extraction_factor)


def assumed_constant() -> ConstantEntry:
    """The constant of the assumed law."""
    return ConstantEntry(
        key="sample_bits",
        symbol="b",
        value=SAMPLE_BITS,
        text=f"{SAMPLE_BITS:g} bit",
        unit="bit",
        tag="assumed",
        source="the paper has no law of accuracy; A(phi) = 1 - 2^(-2 b phi), the distortion-rate function of an i.i.d. "
        "Gaussian source (Cover and Thomas, Elements of Information Theory, ch. 10); used by the frontier alone",
        meaning="bits of a raw sample, in the accuracy A(phi)",
        bound="(0, inf)",
    )
