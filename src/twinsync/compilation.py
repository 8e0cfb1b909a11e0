"""Compiled programs kept on disk, so that the second run of a command does not compile what the first one did.

JAX has such a cache; its own files are written in place, so that two writers or a killed one can leave half a file,
which is then never replaced. The one here writes whole files, checks what it reads, stays below a size, and whatever
goes wrong costs a compilation and at most one warning.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

VARIABLE = "TWINSYNC_CACHE"  # a folder, or `off`
OFF = "off"
MOST_BYTES = 1 << 30
MOST_MAPPINGS = 30_000

_ABANDONED_S = 86_400.0  # a file half written this long ago is nobody's any more
_SUFFIX = ".program"
_DIGEST_BYTES = 32

_listeners: list[Callable[[bool], None]] = []


class CacheWarning(UserWarning):
    """The cache cannot be used, or not be written; everything else works."""


class ProgramCache:
    """Compiled programs as files of one folder, in the form that JAX asks of a compilation cache.

    Safe with other processes that read and write the same folder. Nothing raises.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = self._path = folder  # `_path` is what JAX logs
        self._most_bytes = most_bytes
        self._writable = True
        self._bytes: int | None = None

    def get(self, key: str) -> bytes | None:
        """The program stored under `key`, or None, which means that JAX compiles it next."""
        path = self._file(key)
        try:
            content = path.read_bytes()
        except OSError:
            _tell(compiling=True)
            return None
        digest, program = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        whole = digest == hashlib.sha256(program).digest()
        with contextlib.suppress(OSError):
            if whole:
                os.utime(path)  # what was not used for longest goes first
            else:
                path.unlink()
        if not whole:
            _tell(compiling=True)
        return program if whole else None

    def put(self, key: str, value: bytes) -> None:
        """Store a program. Where that fails, warn once and store no more."""
        _tell(compiling=False)
        if not self._writable:
            return
        partial = self.folder / f"{os.getpid()}-{time.monotonic_ns()}.partial"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # whoever writes here runs code as us
            self._make_room(_DIGEST_BYTES + len(value))
            partial.write_bytes(hashlib.sha256(value).digest() + value)
            partial.replace(self._file(key))
        except OSError as error:
            self._writable = False
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            _warn(f"compiled programs cannot be kept in {self.folder} ({error.strerror or error})")

    def _file(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}{_SUFFIX}"

    def _make_room(self, wanted_bytes: int) -> None:
        """Keep below the size: where it is exceeded, the least recently used go until a quarter is free."""
        if self._bytes is None:
            self._bytes = sum(size for _, size, _ in self._entries())
        self._bytes += wanted_bytes
        if self._bytes <= self._most_bytes:
            return
        self._bytes = wanted_bytes
        for _, size, path in sorted(self._entries(), reverse=True):  # newest first
            self._bytes += size
            if self._bytes > 0.75 * self._most_bytes:
                path.unlink(missing_ok=True)
                self._bytes -= size

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size and path of each program; abandoned halves are removed."""
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process removed it
                about = path.stat()
                if path.suffix == _SUFFIX:
                    yield about.st_mtime, about.st_size, path
                elif path.suffix == ".partial" and time.time() - about.st_mtime > _ABANDONED_S:
                    path.unlink()


def switch_off() -> None:
    """No cache in this process, nor in those it starts."""
    os.environ[VARIABLE] = OFF


def folder() -> Path | None:
    """Where programs of these versions, on this machine, are kept; None where the cache is off.

    `$TWINSYNC_CACHE`, else twinsync in `$XDG_CACHE_HOME`, else in ~/.cache. Off too where JAX's own cache is on
    (`JAX_COMPILATION_CACHE_DIR`).
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given.lower() == OFF or (not given and os.environ.get("JAX_COMPILATION_CACHE_DIR")):
        return None
    if given:
        return Path(given).expanduser().absolute() / _flavour()
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        caches = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    except RuntimeError:  # no home
        return None
    return caches / "twinsync" / _flavour()


def connect() -> None:
    """Let JAX look into the cache before it compiles, from now on. Imports JAX; does nothing where the cache is off."""
    place = folder()
    if place is None:
        return
    import jax
    from jax._src import compilation_cache

    if isinstance(getattr(compilation_cache, "_cache", None), ProgramCache):
        return
    if not all(hasattr(compilation_cache, name) for name in ("_cache", "_cache_initialized", "reset_cache")):
        _warn(f"compiled programs are not kept: JAX {jax.__version__} has another kind of cache")
        return
    compilation_cache.reset_cache()
    compilation_cache._cache = ProgramCache(place)
    compilation_cache._cache_initialized = True
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def one_thread() -> dict[str, str]:
    """Environment variables of a process that computes with one thread; they count before JAX is imported."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    alone = ("NPROC", "PJRT_NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**dict.fromkeys(alone, "1"), "XLA_FLAGS": flags}


def forget_many(most_mappings: int = MOST_MAPPINGS) -> bool:
    """Drop the programs that this process holds, if they are many; what is needed again is compiled again.

    Each takes about three memory mappings, and Linux allows a process 65,530 (vm.max_map_count): at the next
    compilation beyond them it dies of a segmentation fault. Returns whether they were dropped.
    """
    try:
        mappings = Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:  # not on every system
        return False
    if mappings <= most_mappings:
        return False
    import jax

    jax.clear_caches()
    gc.collect()
    return True


@contextlib.contextmanager
def listening(listener: Callable[[bool], None]) -> Iterator[None]:
    """Call `listener(True)` when JAX begins to compile a program that the cache lacks, `listener(False)` after it."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _tell(*, compiling: bool) -> None:
    for listener in _listeners:
        listener(compiling)


def _warn(trouble: str) -> None:
    message = f"{trouble}; each run compiles again; {VARIABLE}=FOLDER names another place, {VARIABLE}=off is silent"
    warnings.warn(message, CacheWarning, stacklevel=2)


def _flavour() -> str:
    """A folder for all that decides what a program is compiled to and JAX's own key leaves out.

    A program for one processor may not run on another, as in a home that machines share; and XLA splits sums among as
    many threads as it may use, so that a program for another number of them would give other last digits.
    """
    machine = hashlib.sha256(_processor().encode()).hexdigest()[:8]
    threads = os.environ.get("PJRT_NPROC") or os.environ.get("NPROC") or _cores()
    return f"twinsync-{version('twinsync')}-jax-{version('jax')}-{version('jaxlib')}-{machine}-{threads}"


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _processor() -> str:
    """What kind of processor this is, with the instructions it has."""
    about = f"{platform.system()} {platform.machine()}"
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(("flags", "Features", "model name")):
                    about += line.partition(":")[2]
                elif not line.strip():
                    break  # the first of many alike
    except OSError:
        about += platform.processor()
    return about
