"""What a device's camera sees in a slot: the frames of a clip, forth and back without end, or a user's own camera."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from twinsync.codec.camera import CameraDecoder, CameraEncoder
from twinsync.codec.sources import read_frames, sample_frames
from twinsync.errors import InputError
from twinsync.own_code import load_attribute, run_own
from twinsync.plugins import CAMERAS, find_plugin, package_of

MOST_FRAMES = 600
WARM_FACTOR = 0.02


@runtime_checkable
class Camera(Protocol):
    """Something that gives a grey picture of one size in every slot."""

    @property
    def data_bits(self) -> int:
        """Raw bits of a picture, D."""
        ...

    def at(self, slot: int) -> UInt8[np.ndarray, "h w"]:
        """The picture of a slot. Raises `InputError` where a user's own camera gives none."""
        ...


class Clip:
    """A clip that runs forth and back, so that it never jumps."""

    def __init__(self, source: Path | None) -> None:
        """The sample that ships, or a folder of images or a video. Raises `InputError`."""
        self.frames: UInt8[np.ndarray, "frames h w"] = (
            sample_frames() if source is None else np.stack(list(read_frames(source, most=MOST_FRAMES)))
        )

    @property
    def data_bits(self) -> int:
        """Raw bits of a frame, D."""
        return 8 * self.frames[0].size

    def at(self, slot: int) -> UInt8[np.ndarray, "h w"]:
        """The frame of a slot."""
        last = len(self.frames) - 1
        if last == 0:
            return self.frames[0]
        place = slot % (2 * last)
        return self.frames[place if place <= last else 2 * last - place]


class OwnCamera:
    """A user's function (slot) -> uint8 [height, width], or a class whose instances are called so."""

    def __init__(self, label: str, view: Any) -> None:
        """Raises `InputError` where it gives no picture."""
        self._label = label
        made = run_own(f"{label}: cannot make it", view) if inspect.isclass(view) else view
        if not callable(made):
            raise InputError(f"{label}: not a function (slot) -> uint8 [height, width]")
        self._view: Callable[[int], Any] = made
        self._shape: tuple[int, ...] | None = None
        self._shape = self.at(0).shape

    @property
    def data_bits(self) -> int:
        """Raw bits of a picture, D."""
        assert self._shape is not None
        return 8 * self._shape[0] * self._shape[1]

    def at(self, slot: int) -> UInt8[np.ndarray, "h w"]:
        """The picture of a slot."""
        picture = run_own(f"{self._label}: slot {slot}", lambda: np.asarray(self._view(slot)))
        if picture.dtype != np.uint8 or picture.ndim != 2 or self._shape not in (None, picture.shape):
            expected = "[height, width]" if self._shape is None else list(self._shape)
            raise InputError(
                f"{self._label}: slot {slot} gave {picture.dtype} {list(picture.shape)}, expected uint8 {expected}"
            )
        return picture


def find_camera(source: str | None) -> Camera:
    """The sample for None, a folder or video, `file.py:function`, or an installed package's. Raises `InputError`."""
    if source is None:
        return Clip(None)
    file, colon, _ = source.rpartition(":")
    if colon and file.endswith(".py"):
        return OwnCamera(f"camera {source!r}", load_attribute(f"camera {source!r}", source))
    if not Path(source).exists() and (plugin := find_plugin(CAMERAS, source)) is not None:
        label = f"camera {source!r} of {package_of(plugin)}"
        return OwnCamera(label, load_attribute(label, plugin.value))
    return Clip(Path(source))


def absolute_source(source: str) -> str:
    """A source as processes that start elsewhere find it."""
    file, colon, function = source.rpartition(":")
    if colon and Path(file).is_file():
        return f"{Path(file).absolute()}:{function}"
    return str(Path(source).absolute()) if Path(source).exists() else source


def warm_codec(camera: Camera) -> None:
    """Compile both ends of the codec, or load what an earlier process compiled."""
    device, edge = CameraEncoder(), CameraDecoder()
    for slot in range(2):
        revision, stream = device.encode(camera.at(slot), WARM_FACTOR)
        edge.decode(stream)
        device.acknowledge(revision)
