"""What a device senses in a slot: frames of a clip, windows of a recorded series, or what a user's own code gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec
import numpy as np
from jaxtyping import Int16, UInt8

from twinsync.codec.ends import CAMERA, KINDS, SERIES, EdgeEnd
from twinsync.codec.series import check_window
from twinsync.codec.series_files import read_series, to_counts, windows_of
from twinsync.codec.sources import read_frames, sample_frames
from twinsync.errors import InputError
from twinsync.live.protocol.frame import LEAST_FRAME
from twinsync.live.radio.rates import TRACE
from twinsync.own_code import load_attribute, run_own
from twinsync.plugins import CAMERAS, find_plugin, package_of

SAMPLE = "sample"  # the clip that ships, beside other sources
MOST_FRAMES = 600
WINDOW = 64  # samples of a series' window
WARM_SHARE = 0.02
_KIND_OF = {np.dtype(np.uint8): CAMERA, np.dtype(np.int16): SERIES}


class Sensor(msgspec.Struct, frozen=True):
    """What a source gives in every slot: its kind, and rows and columns or samples and channels."""

    kind: str
    shape: tuple[int, int]

    @property
    def data_bits(self) -> int:
        """Raw bits, D."""
        return KINDS[self.kind].sample_bits * self.shape[0] * self.shape[1]

    def __str__(self) -> str:
        return f"{self.kind} {self.shape[0]} x {self.shape[1]}"


USUAL = (Sensor(CAMERA, (240, 320)), Sensor(SERIES, (WINDOW, 6)))  # of devices that have not said what they sense


class Cut(msgspec.Struct, frozen=True):
    """How a series is cut into windows: samples of each, and counts of the 16-bit samples per unit of the file."""

    length: int = WINDOW
    scale: float = 1.0


@runtime_checkable
class Source(Protocol):
    """Something that gives a sample of one kind and shape in every slot."""

    @property
    def sensor(self) -> Sensor:
        """What it gives."""
        ...

    def at(self, slot: int) -> np.ndarray:
        """The sample of a slot. Raises `InputError` where a user's own code gives none."""
        ...


class Clip:
    """A clip that runs forth and back, so that it never jumps."""

    def __init__(self, source: Path | None) -> None:
        """The sample that ships, or a folder of images or a video. Raises `InputError`."""
        self.frames: UInt8[np.ndarray, "frames h w"] = (
            sample_frames() if source is None else np.stack(list(read_frames(source, most=MOST_FRAMES)))
        )
        self.sensor = Sensor(CAMERA, self.frames.shape[1:])

    def at(self, slot: int) -> UInt8[np.ndarray, "h w"]:
        """The frame of a slot."""
        last = len(self.frames) - 1
        if last == 0:
            return self.frames[0]
        place = slot % (2 * last)
        return self.frames[place if place <= last else 2 * last - place]


class Recording:
    """Windows of a recorded series, one a slot, over and over; each device begins at another place of it."""

    def __init__(self, path: Path, cut: Cut, share: float) -> None:
        """`share` from 0 to 1 of the recording lies before the window of slot 0. Raises `InputError`."""
        counts = to_counts(read_series(path), cut.scale, str(path))
        self.windows: Int16[np.ndarray, "windows length channels"] = windows_of(counts, cut.length)
        if not len(self.windows):
            raise InputError(f"{path}: {len(counts)} samples fill no window of {cut.length}; give a shorter --window")
        check_window(self.windows.shape[1:])
        self.sensor = Sensor(SERIES, self.windows.shape[1:])
        self._first = int(share * len(self.windows))

    def at(self, slot: int) -> Int16[np.ndarray, "length channels"]:
        """The window of a slot."""
        return self.windows[(self._first + slot) % len(self.windows)]


class OwnSource:
    """A user's function (slot) -> uint8 [height, width] or int16 [length, channels], or a class called so."""

    def __init__(self, label: str, view: Any) -> None:
        """Raises `InputError` where it gives no sample."""
        self._label = label
        made = run_own(f"{label}: cannot make it", view) if inspect.isclass(view) else view
        if not callable(made):
            raise InputError(f"{label}: not a function (slot) -> uint8 [height, width] or int16 [length, channels]")
        self._view: Callable[[int], Any] = made
        first = self._take(0)
        if first.dtype not in _KIND_OF or first.ndim != 2 or not first.size:
            raise self._unexpected(0, first, "uint8 [height, width] or int16 [length, channels]")
        self._dtype = first.dtype
        self.sensor = Sensor(_KIND_OF[first.dtype], first.shape)
        if self.sensor.kind == SERIES:
            check_window(first.shape)

    def at(self, slot: int) -> np.ndarray:
        """The sample of a slot."""
        sample = self._take(slot)
        if sample.dtype != self._dtype or sample.shape != self.sensor.shape:
            raise self._unexpected(slot, sample, f"{self._dtype} {list(self.sensor.shape)}")
        return sample

    def _take(self, slot: int) -> np.ndarray:
        return run_own(f"{self._label}: slot {slot}", lambda: np.asarray(self._view(slot)))

    def _unexpected(self, slot: int, sample: np.ndarray, expected: str) -> InputError:
        return InputError(f"{self._label}: slot {slot} gave {sample.dtype} {list(sample.shape)}, expected {expected}")


def find_source(source: str | None, cut: Cut | None = None, share: float = 0.0) -> Source:
    """The sample clip for None or `sample`, a folder, video or CSV file, `file.py:function`, or a package's.

    Raises `InputError`.
    """
    if source is None or (source == SAMPLE and not Path(source).exists()):
        return Clip(None)
    file, colon, _ = source.rpartition(":")
    if colon and file.endswith(".py"):
        return OwnSource(f"source {source!r}", load_attribute(f"source {source!r}", source))
    if not Path(source).exists() and (plugin := find_plugin(CAMERAS, source)) is not None:
        label = f"source {source!r} of {package_of(plugin)}"
        return OwnSource(label, load_attribute(label, plugin.value))
    if Path(source).suffix.lower() == ".csv":
        return Recording(Path(source), cut or Cut(), share)
    return Clip(Path(source))


def absolute(name: str, known: Collection[str] = ()) -> str:
    """The value of an option that may name a file, as processes that start in another folder find it.

    It is FILE, FILE:FUNCTION or trace:FILE; one of the names `known`, and one of no file, stays as it is.
    """
    if not name or name in known:
        return name
    begin = TRACE if name.startswith(TRACE) else ""
    path = name.removeprefix(begin)
    file, colon, function = path.rpartition(":")
    if colon and Path(file).is_file():
        return f"{begin}{Path(file).absolute()}:{function}"
    return f"{begin}{Path(path).absolute()}" if Path(path).exists() else name


def check_size(sensor: Sensor, name: str) -> None:
    """Raise `InputError` for a sensor whose raw samples take less than any frame."""
    if sensor.data_bits < 8 * LEAST_FRAME:
        raise InputError(
            f"{name}: {sensor} is {sensor.data_bits // 8} bytes, and a frame takes at least {LEAST_FRAME}; "
            "give larger pictures, or longer windows (--window)"
        )


def warm_codecs(sensors: Collection[Sensor]) -> None:
    """Compile both ends of the codecs that sensors need, or load what an earlier process compiled."""
    for sensor in {each.kind: each for each in sensors}.values():
        kind, edge, random = KINDS[sensor.kind], EdgeEnd(), np.random.default_rng(0)
        device, size = kind.device_end(), max(LEAST_FRAME, int(WARM_SHARE * sensor.data_bits) // 8)
        for revision, reference in ((0, None), (1, 0)):
            noise = random.integers(90, 130, sensor.shape)
            sample = noise.astype(np.uint8 if sensor.kind == CAMERA else np.int16)
            edge.decode(device.encode(sample, size, revision, reference), revision, reference)
