"""The cache of compiled programs: the same results without compiling, and never trouble."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync import compilation
from twinsync.compilation import CacheWarning, ProgramCache, folder

SOLVE = [sys.executable, "-m", "twinsync", "solve", "--slots", "2", "--json", "-"]


def start(cache: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "TWINSYNC_CACHE": str(cache)}
    return subprocess.Popen(SOLVE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def files(cache: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ctime_ns for path in cache.rglob("*.*") if path.is_file()}


def test_two_cold_runs_at_once_a_warm_one_and_one_without_agree_bit_for_bit(tmp_path: Path) -> None:
    good, bad = tmp_path / "cache", tmp_path / "file" / "cache"
    bad.parent.write_text("no folder")
    cold = [start(good), start(good)]
    outputs = [process.communicate() for process in cold]
    stored = files(good)
    assert len(stored) > 10
    assert all(name.endswith(".program") for name in stored)
    warm = start(good).communicate()
    assert files(good).keys() == stored.keys()
    without, complaint = start(bad).communicate()
    assert {out for out, _ in [*outputs, warm]} == {without}
    assert '"lower_bound"' in without
    assert [err for _, err in [*outputs, warm]] == ["", "", ""]
    assert complaint.startswith("twinsync: warning: compiled programs cannot be kept in ")
    assert "(Not a directory)" in complaint
    assert complaint.count("\n") == 1


@pytest.fixture
def cache(tmp_path: Path) -> ProgramCache:
    return ProgramCache(tmp_path / "programs")


def test_a_program_is_read_back_by_another_process(cache: ProgramCache) -> None:
    assert cache.get("jit_f-1") is None
    cache.put("jit_f-1", b"machine code")
    assert ProgramCache(cache.folder).get("jit_f-1") == b"machine code"
    assert cache.get("jit_f-2") is None
    assert cache.folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [lambda whole: whole[:-3], lambda whole: whole[:-1] + b"X", lambda whole: b""])
def test_a_damaged_file_is_no_program_and_goes(cache: ProgramCache, damage) -> None:
    cache.put("key", b"machine code")
    (file,) = cache.folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get("key") is None
    assert list(cache.folder.iterdir()) == []
    cache.put("key", b"machine code")
    assert cache.get("key") == b"machine code"


@pytest.mark.parametrize(
    ("call", "trouble"), [("write_bytes", errno.ENOSPC), ("replace", errno.EROFS), ("mkdir", errno.EACCES)]
)
def test_a_full_or_read_only_disk_is_one_warning(
    cache: ProgramCache, monkeypatch: pytest.MonkeyPatch, call: str, trouble: int
) -> None:
    cache.put("earlier", b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(trouble, os.strerror(trouble))

    monkeypatch.setattr(Path, call, fail)
    with pytest.warns(CacheWarning, match=os.strerror(trouble)):
        cache.put("later", b"new")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.put("later", b"new")
        assert cache.get("later") is None
        assert cache.get("earlier") == b"old"
    assert [path.suffix for path in cache.folder.iterdir()] == [".program"]


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = ProgramCache(tmp_path, most_bytes=1000)
    for age_s, key in ((30, "a"), (20, "b"), (10, "c")):
        cache.put(key, key.encode() * 200)
        os.utime(cache._file(key), (time.time() - age_s,) * 2)
    assert cache.get("a") is not None  # used again
    cache.put("d", b"d" * 400)
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, False, True]


def test_a_file_abandoned_half_written_goes(cache: ProgramCache) -> None:
    cache.folder.mkdir()
    fresh, abandoned = cache.folder / "1-1.partial", cache.folder / "2-2.partial"
    for path in (fresh, abandoned):
        path.write_bytes(b"half")
    os.utime(abandoned, (time.time() - 100_000,) * 2)
    cache.put("key", b"program")
    assert fresh.exists()
    assert not abandoned.exists()


def test_listeners_hear_what_is_compiled(cache: ProgramCache) -> None:
    heard: list[bool] = []
    with compilation.listening(heard.append):
        cache.get("key")
        cache.put("key", b"program")
        cache.get("key")
    cache.get("other")
    assert heard == [True, False]


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TWINSYNC_CACHE", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(
    ("variables", "parent"),
    [
        ({}, "/home/somebody/.cache/twinsync"),
        ({"XDG_CACHE_HOME": "/var/tmp/caches"}, "/var/tmp/caches/twinsync"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/somebody/.cache/twinsync"),
        ({"TWINSYNC_CACHE": "/scratch/programs", "XDG_CACHE_HOME": "/var/tmp/caches"}, "/scratch/programs"),
        ({"TWINSYNC_CACHE": "~/programs", "JAX_COMPILATION_CACHE_DIR": "/elsewhere"}, "/home/somebody/programs"),
    ],
)
def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], parent: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = folder()
    assert found is not None
    assert str(found.parent) == parent


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(("name", "value"), [("TWINSYNC_CACHE", "off"), ("JAX_COMPILATION_CACHE_DIR", "/elsewhere")])
def test_when_it_is_off(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert folder() is None


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize("package", ["twinsync", "jax", "jaxlib"])
def test_another_version_has_another_folder(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    usual = compilation.version
    before = folder()
    monkeypatch.setattr(compilation, "version", lambda name: "9.9.9" if name == package else usual(name))
    assert folder() != before


@pytest.mark.usefixtures("nothing_set")
def test_another_number_of_threads_has_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = folder()
    monkeypatch.setenv("PJRT_NPROC", "77")
    assert folder() != before


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells a process its mappings")
def test_programs_are_dropped_once_they_are_many() -> None:
    mappings = Path("/proc/self/maps")
    programs = [jax.jit(lambda x, number=number: jnp.sort(x @ x + number)) for number in range(10)]
    for program in programs:
        program(jnp.ones((3, 3)))
    many = mappings.read_bytes().count(b"\n")
    assert not compilation.forget_many()
    assert compilation.forget_many(1)
    assert mappings.read_bytes().count(b"\n") < many
    np.testing.assert_allclose(programs[1](jnp.ones((3, 3))), 4.0)
