"""Writes the measured tables of docs/codec.md, each between `<!-- codec:NAME -->` and `<!-- /codec -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Part = dict[str, Any]
ENDS = (
    ("DamagedStream", "`DamagedStream`"),
    ("MissingReference", "`MissingReference`"),
    ("OtherTables", "`OtherTables`"),
)
MARKED = re.compile(r"(<!-- codec:(\w+) -->\n\n).*?(<!-- /codec -->)", re.DOTALL)


def with_parts(page: str, results: dict[str, Part]) -> str:
    """The page with every marked place rewritten from the results; places without results stay as they are."""

    def written(found: re.Match[str]) -> str:
        name = found[2]
        part = results.get(PLACES[name][0])
        return found[0] if part is None else found[1] + "\n".join(PLACES[name][1](part)) + "\n\n" + found[3]

    return MARKED.sub(written, page)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> Iterator[str]:
    """Lines of a Markdown table; the first `words` columns are text, the others numbers."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * words}{'---:|' * (len(header) - words)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _decibel(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _quality(part: Part) -> Iterator[str]:
    header = (
        "phi", "bytes", "PSNR [dB]", "worst frame [dB]", "MS-SSIM", "F1, picture first", "F1, task first",
        "PSNR, task first [dB]", "JPEG [dB]", "WebP [dB]",
    )  # fmt: skip
    rows = [
        (
            f"{row['phi']:g}", str(row["bytes"]), f"{row['psnr_db']:.2f}", f"{row['worst_psnr_db']:.2f}",
            f"{row['ms_ssim']:.4f}", f"{row['f1']:.3f}", f"{row['task_f1']:.3f}", f"{row['task_psnr_db']:.2f}",
            _decibel(row["stills"]["JPEG"]), _decibel(row["stills"]["WebP"]),
        )
        for row in part["rows"]
    ]  # fmt: skip
    return _table(header, rows)


def _first(part: Part) -> Iterator[str]:
    yield f"{part['frames']} frames after the first, which both ends hold at {part['first_psnr_db']:.1f} dB."


def _times(part: Part) -> Iterator[str]:
    encode, decode = (", ".join(f"{row[f'{end}_ms']:.0f}" for row in part["rows"]) for end in ("encode", "decode"))
    yield f"Median processor time a frame, in the table's order: {encode} ms to encode and {decode} ms to decode."


def _lost(part: Part) -> Iterator[str]:
    yield (
        f"The {part['frames']} frames delivered had {part['psnr_db']:.2f} dB; the same frames with none lost had "
        f"{part['none_lost_psnr_db']:.2f} dB (`python -m benchmarks.codec --only lost`)."
    )


def _clips(part: Part) -> Iterator[str]:
    rows = []
    for row in part["rows"]:
        cells = []
        for factor in row["factors"]:
            best = max((still for still in factor["stills"].values() if still is not None), default=None)
            cells.append(f"{factor['psnr_db']:.1f} ({_decibel(best)})")
        rows.append((row["options"], row["about"], *cells))
    factors = [f"{factor['phi']:g}" for factor in part["rows"][0]["factors"]]
    return _table(("clip and options", "what it is", f"phi = {factors[0]}", *factors[1:]), rows, words=2)


def _ages(part: Part) -> Iterator[str]:
    rows = [
        (str(row["age"]), str(row["start"]), *(f"{value:.1f}" for value in row["psnr_db"]), f"{row['f1']:.3f}")
        for row in part["rows"]
    ]
    return _table(("slots old", "`--start`", "PSNR at phi = 0.01", "0.02", "0.05", "F1 at 0.01"), rows, words=0)


def _peers(part: Part) -> Iterator[str]:
    from benchmarks.codec_peers import Row, table

    return table(Row(**row) for row in part["rows"])


def _ablation(part: Part) -> Iterator[str]:
    from benchmarks.codec_ablation import table

    return table((name, values) for name, values in part["rows"])


def _series(part: Part) -> Iterator[str]:
    rows = [
        (
            f"{row['extraction_factor']:g}", " to ".join(str(size) for size in row["wire_bytes"]),
            _three_digits(row["nmse"]), _three_digits(row["nmse_own_means"]),
            f"{1e3 * row['encode_s']:.1f}, {1e3 * row['decode_s']:.1f}",
        )
        for row in part["rows"]
    ]  # fmt: skip
    return _table(("phi", "bytes", "NMSE", "with each recording's own means", "encode, decode [ms]"), rows, words=0)


def _three_digits(value: float) -> str:
    """Three digits, never with an exponent."""
    leading = f"{value:.2e}"
    return f"{value:.{max(0, 2 - int(leading.partition('e')[2]))}f}"


def _ends(counted: Part, samples: str) -> str:
    ends = counted["ends"]
    outcomes = [
        f"{ends.get('samples', 0):,} ended in {samples}",
        *(f"{ends.get(key, 0):,} in {said}" for key, said in ENDS),
    ]
    return f"{', '.join(outcomes)}; the longest decoding took {1e3 * counted['longest_s']:.0f} ms"


def _fuzz_camera(part: Part) -> Iterator[str]:
    counted = part["camera"]
    yield f"Of {counted['rounds']:,} streams, {_ends(counted, 'a picture')}."


def _fuzz_series(part: Part) -> Iterator[str]:
    counted = part["series"]
    yield f"Of {counted['rounds']:,} streams of both series formats, {_ends(counted, 'samples')}."


def _sizes(part: Part) -> Iterator[str]:
    sizes = part["sizes"]
    total = sizes["frames"] + sizes["windows"]
    refused = sum(sizes[f"{kind} refused as too small"] for kind in ("frames", "windows"))
    yield (
        f"{total:,} streams of random phi and D ({sizes['frames']:,} frames, {sizes['windows']:,} windows) had exactly "
        f"floor(phi D / 8) bytes and decoded to the encoder's own samples; {refused:,} more were too small for a "
        "header and were refused."
    )


# For each marked place: the part that it shows, and the function that writes it.
PLACES: dict[str, tuple[str, Callable[[Part], Iterator[str]]]] = {
    "first": ("quality", _first),
    "quality": ("quality", _quality),
    "times": ("quality", _times),
    "lost": ("lost", _lost),
    "clips": ("clips", _clips),
    "ages": ("ages", _ages),
    "peers": ("peers", _peers),
    "ablation": ("ablation", _ablation),
    "series": ("series", _series),
    "fuzz_camera": ("safety", _fuzz_camera),
    "fuzz_series": ("safety", _fuzz_series),
    "sizes": ("safety", _sizes),
}
