"""Frames from images, a video file, or the sample that ships; and pictures written back to files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from twinsync.codec.container import within_bounds
from twinsync.codec.recordings import file_of
from twinsync.errors import InputError, install

SUFFIXES = (".png", ".pgm", ".bmp", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
VIDEO_SIZE = (240, 320)  # rows and columns that a video's frames are brought to
SAMPLE_FILE = "street.npz"


def read_frames(source: Path, every: int = 1, start: int = 0, most: int | None = None) -> Iterator[np.ndarray]:
    """Grey frames [H, W] uint8 of a folder of images, in the order of their names, of one image, or of a video.

    Numbers in names count by value: frame-9 comes before frame-10. A video's frames are brought to 240 rows and 320
    columns. A fetched recording's name serves as its file.

    every, start: take every so many frames, the first being number `start`, from 0. most: how many to take at most.
    Raises `InputError` for a source that holds none, cannot be read, or changes its size on the way.
    """
    source = file_of(source)
    if source.is_dir():
        frames = _images(_images_in(source))
    elif source.suffix.lower() in SUFFIXES:
        frames = _images([source])
    else:
        frames = _video(source)
    size: tuple[int, ...] | None = None
    given = 0
    for index, load in enumerate(frames):
        if index < start or (index - start) % every:
            continue
        if most is not None and given == most:
            return
        frame = load()
        if size is not None and frame.shape != size:
            raise InputError(f"{source}: frame {index} is {_size(frame.shape)}, those before are {_size(size)}")
        size = frame.shape
        given += 1
        yield frame
    if not given:
        raise InputError(f"{source}: no frames at --start {start}, --every {every}")


def sample_frames() -> UInt8[np.ndarray, "frames h w"]:
    """The frames of the street camera that ship with the package, 1.2 s apart; source and licence beside the file."""
    content = resources.files("twinsync.codec") / "sample" / SAMPLE_FILE
    with content.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return arrays["frames"]


def write_picture(path: Path, picture: UInt8[np.ndarray, "h w"]) -> None:
    """The picture as a grey PNG."""
    _pillow().fromarray(picture).save(path)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise InputError(f"images need Pillow: {install('codec')}") from None
    return Image


def _images_in(folder: Path) -> list[Path]:
    try:
        paths = sorted((path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES), key=_numbered)
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from None
    if not paths:
        raise InputError(f"{folder}: no images; expected files that end in {', '.join(SUFFIXES)}")
    return paths


def _numbered(path: Path) -> tuple[list[str | int], str]:
    """Sorts names with the numbers in them by value: frame-9 before frame-10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.name)], path.name


def _images(paths: Sequence[Path]) -> Iterator[Callable[[], np.ndarray]]:
    image = _pillow()

    def load(path: Path) -> np.ndarray:
        try:
            with image.open(path) as opened:
                if not within_bounds(opened.height, opened.width):
                    raise InputError(f"{path}: {opened.width}x{opened.height} is too large; scale it down")
                if opened.mode[0] in "IF":
                    raise InputError(f"{path}: samples of more than 8 bits; bring them to 8 bits first")
                return np.asarray(opened.convert("L"))
        except InputError:
            raise
        except Exception as error:  # damaged bytes make Pillow's readers raise what they run into, of any type
            raise InputError(f"{path}: not an image that can be read: {error}") from None

    for path in paths:
        yield partial(load, path)


def _video(path: Path) -> Iterator[Callable[[], np.ndarray]]:
    if not path.is_file():
        raise InputError(f"{path}: no such folder or file")
    try:
        import av
        from av.error import FFmpegError
    except ImportError:
        raise InputError('video files need PyAV: pip install "av>=14"; a folder of images works without') from None
    image = _pillow()

    def load(frame: Any) -> np.ndarray:
        grey = image.fromarray(frame.to_ndarray(format="gray"))
        return np.asarray(grey.resize(VIDEO_SIZE[::-1], image.Resampling.LANCZOS))

    try:
        with av.open(str(path)) as video:
            for frame in video.decode(video=0):
                yield partial(load, frame)
    except (FFmpegError, IndexError) as error:
        raise InputError(f"{path}: not a video that can be read: {error}") from None
