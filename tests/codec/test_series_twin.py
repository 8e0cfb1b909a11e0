"""Windows with named revisions: gaps, far references, exact sizes, damage, and streams that stay what they were."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from twinsync.codec.container import DamagedStream, MissingReference, OtherTables, StreamError
from twinsync.codec.series import SeriesDecoder, SeriesEncoder
from twinsync.codec.series_twin import CONDITIONAL_BYTES, FIRST_BYTES, WindowDecoder, WindowEncoder
from twinsync.errors import InputError

GOLDEN = Path(__file__).parent / "golden" / "series.json"
# Revision, reference, bytes: gaps, a reference 40 back, a window coded alone amid others.
STEPS = ((0, None, 60), (1, 0, 40), (9, 1, 40), (41, 1, 96), (42, None, 200), (50, 41, 16))


def window(place: int) -> np.ndarray:
    """Integer arithmetic alone: the same on every machine."""
    n, c = np.mgrid[:64, :6]
    time = 64 * place + n
    return (1500 * (c + 1) - 40 * ((time * (3 + c)) % 97) + (time * time * 7 + 13 * c) % 61).astype(np.int16)


def write() -> tuple[WindowEncoder, list[bytes]]:
    encoder = WindowEncoder()
    return encoder, [encoder.encode(window(i), size, r, back) for i, (r, back, size) in enumerate(STEPS)]


def digest(samples: np.ndarray) -> str:
    return hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()


def test_both_ends_agree_across_gaps_and_far_references() -> None:
    encoder, streams = write()
    decoder = WindowDecoder()
    for (revision, reference, size), stream in zip(STEPS, streams, strict=True):
        assert len(stream) == size
        assert np.array_equal(decoder.decode(stream, revision, reference), encoder.decoded(revision))
    # The end of a long run of windows that were lost: still against the one that arrived.
    stream = encoder.encode(window(3), 60, 5000, 50)
    assert np.array_equal(decoder.decode(stream, 5000, 50), encoder.decoded(5000))


def test_a_reference_is_worth_bytes() -> None:
    encoder = WindowEncoder()
    encoder.encode(window(0), 300, 0)

    def error(reference: int | None, revision: int) -> float:
        encoder.encode(window(0), 40, revision, reference)
        return float(np.mean((encoder.decoded(revision) - window(0).astype(float)) ** 2))

    assert error(0, 1) < error(None, 2)


def test_the_same_samples_give_the_same_bytes_whatever_was_coded_in_between() -> None:
    encoder, streams = write()
    assert encoder.encode(window(5), 16, 60, 41) == streams[5]


def test_golden_streams_of_both_formats_decode_to_the_same_samples() -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    decoder, shipped = WindowDecoder(), SeriesDecoder()
    for (revision, reference, _), stream, wanted in zip(STEPS, golden["named"], golden["named samples"], strict=True):
        assert digest(decoder.decode(bytes.fromhex(stream), revision, reference)) == wanted
    for stream, wanted in zip(golden["shipped"], golden["shipped samples"], strict=True):
        assert digest(shipped.decode(bytes.fromhex(stream))) == wanted


def test_the_encoders_write_the_golden_streams() -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert [stream.hex() for stream in write()[1]] == golden["named"]
    assert [stream.hex() for stream in write_shipped()] == golden["shipped"]


def write_shipped() -> list[bytes]:
    """Streams of the format that tells revisions apart by their last bits."""
    encoder, streams = SeriesEncoder(), []
    for place, factor in enumerate((0.2, 0.05, 0.12, 0.02)):
        revision, stream = encoder.encode(window(place), factor)
        if place != 1:  # lost
            encoder.acknowledge(revision)
        streams.append(stream)
    return streams


@pytest.mark.parametrize(
    ("change", "revision", "reference", "error", "told"),
    [
        (lambda stream: stream, 1, None, DamagedStream, "begin no window coded alone"),
        (lambda stream: stream[:2], 1, 0, DamagedStream, "2 bytes end within the header"),
        (lambda stream: b"", 1, 0, DamagedStream, "begin no window"),
        (lambda stream: stream, 1, 7, MissingReference, "revision 7, this decoder holds 0"),
        (lambda stream: stream[:1] + b"\0\0" + stream[3:], 1, 0, MissingReference, "revision 0"),
    ],
)
def test_what_is_wrong_has_a_name(change, revision, reference, error, told) -> None:
    _, streams = write()
    decoder = WindowDecoder()
    decoder.decode(streams[0], 0)
    with pytest.raises(error, match=told):
        decoder.decode(change(streams[1]), revision, reference)
    assert decoder.twin.revisions == (0,)


def test_headers_of_windows_coded_alone() -> None:
    first = write()[1][0]
    other = first[:1] + bytes([first[1] ^ 1]) + first[2:]
    with pytest.raises(OtherTables):
        WindowDecoder().decode(other, 0)
    for shape in (b"\0\6", b"\6\0", b"\6\377"):
        with pytest.raises(DamagedStream, match="not within this format's bounds"):
            WindowDecoder().decode(first[:3] + shape + first[5:], 0)


def test_what_cannot_be_coded_is_refused() -> None:
    encoder = WindowEncoder()
    for size, reference, least in ((FIRST_BYTES, None, FIRST_BYTES + 1), (CONDITIONAL_BYTES, 0, CONDITIONAL_BYTES + 1)):
        encoder.encode(window(0), 60, 0)
        with pytest.raises(InputError, match=f"needs {least}"):
            encoder.encode(window(1), size, 1, reference)
    with pytest.raises(InputError, match="another shape"):
        encoder.encode(window(1)[:32], 60, 1, 0)
    with pytest.raises(InputError, match="300 x 6"):
        encoder.encode(np.zeros((300, 6), np.int16), 60, 1)
    with pytest.raises(MissingReference):
        encoder.encode(window(1), 60, 1, 9)


def test_cuts_and_damage_end_in_samples_or_a_named_error() -> None:
    random = np.random.default_rng(0)
    encoder, streams = write()
    decoder, decoded = WindowDecoder(), 0
    for _ in range(1000):
        decoder.twin.keep(encoder.twin.at(0))
        content = np.frombuffer(streams[1], np.uint8).copy()
        content[random.integers(len(content), size=2)] = random.integers(0, 256, 2)
        try:
            samples = decoder.decode(content[: random.integers(len(content) + 1)].tobytes(), 1, 0)
        except StreamError:
            continue
        decoded += 1
        assert samples.shape == (64, 6)
    assert decoded > 500


if __name__ == "__main__":  # for a release that changes the format or the tables on purpose
    named, end, earlier = WindowDecoder(), write()[1], SeriesDecoder()
    content = {
        "named": [stream.hex() for stream in end],
        "named samples": [digest(named.decode(s, r, b)) for (r, b, _), s in zip(STEPS, end, strict=True)],
        "shipped": [stream.hex() for stream in write_shipped()],
        "shipped samples": [digest(earlier.decode(stream)) for stream in write_shipped()],
    }
    GOLDEN.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
