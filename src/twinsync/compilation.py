"""A cache of compiled programs on disk, so that a second run of a command need not compile what the first one did.

JAX has such a cache but writes its files in place: two writers, or one that is killed, can leave a truncated file that
is never replaced. This cache replaces files atomically, verifies what it reads and limits its size. A failure costs one
compilation and at most one warning.
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

_ABANDONED_S = 86_400.0  # age from which a partial file counts as abandoned
_SUFFIX = ".program"
_DIGEST_BYTES = 32

_listeners: list[Callable[[bool], None]] = []


class CacheWarning(UserWarning):
    """The cache cannot be used or written; everything else still works."""


class ProgramCache:
    """Compiled programs as files in one folder, with the interface that JAX expects of a compilation cache.

    most_bytes: total size above which the least recently used programs are deleted. Several processes may share the
    folder. I/O errors are never raised.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = self._path = folder  # `_path` is what JAX logs
        self._most_bytes = most_bytes
        self._writable = True
        self._bytes: int | None = None

    def get(self, key: str) -> bytes | None:
        """The program stored under `key`, or None if there is none or it is damaged; JAX then compiles it."""
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
                os.utime(path)  # marks it as used; the least recently used go first
            else:
                path.unlink()
        if not whole:
            _tell(compiling=True)
        return program if whole else None

    def put(self, key: str, value: bytes) -> None:
        """Store a program. If that fails, warn once and store nothing more."""
        _tell(compiling=False)
        if not self._writable:
            return
        partial = self.folder / f"{os.getpid()}-{time.monotonic_ns()}.partial"
        try:
            # Private, because anyone who can write here can run code as this user.
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
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
        """If the size limit is exceeded, delete the least recently used until a quarter of it is free."""
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
        """Time of last use, size and path of each program; abandoned partial files are deleted."""
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process removed it
                about = path.stat()
                if path.suffix == _SUFFIX:
                    yield about.st_mtime, about.st_size, path
                elif path.suffix == ".partial" and time.time() - about.st_mtime > _ABANDONED_S:
                    path.unlink()


def switch_off() -> None:
    """Disable the cache in this process and in those it starts."""
    os.environ[VARIABLE] = OFF


def folder() -> Path | None:
    """Folder of the programs for these versions and this machine; None if the cache is off.

    It lies in `$TWINSYNC_CACHE`, else in `$XDG_CACHE_HOME/twinsync`, else in ~/.cache/twinsync. The cache is also off
    if JAX's own is on (`JAX_COMPILATION_CACHE_DIR`) and `$TWINSYNC_CACHE` is not set.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given.lower() == OFF or (not given and os.environ.get("JAX_COMPILATION_CACHE_DIR")):
        return None
    root = root_folder()
    return None if root is None else root / _flavour()


def root_folder() -> Path | None:
    """Folder of this package's caches: `$TWINSYNC_CACHE`, else `twinsync` in `$XDG_CACHE_HOME` or ~/.cache.

    None if it is off or there is no home folder.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given.lower() == OFF:
        return None
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        if given:
            return Path(given).expanduser().absolute()
        return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "twinsync"
    except RuntimeError:  # no home folder, or not that user's
        return None


def connect() -> None:
    """Make JAX use the cache from now on. Imports JAX; does nothing if the cache is off."""
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
    """Environment variables for one thread per process; set them before JAX is imported."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    alone = ("NPROC", "PJRT_NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**dict.fromkeys(alone, "1"), "XLA_FLAGS": flags}


def forget_many(most_mappings: int = MOST_MAPPINGS) -> bool:
    """Drop the compiled programs of a process with over `most_mappings` memory mappings; returns whether it did.

    A program takes about three mappings, and Linux allows a process 65,530 (vm.max_map_count); a compilation beyond
    that ends in a segmentation fault. Programs needed again are compiled again.
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
    message = f"{trouble}; each run compiles again; set {VARIABLE} to another folder, or to off to silence this"
    warnings.warn(message, CacheWarning, stacklevel=2)


def _flavour() -> str:
    """Folder name for everything that decides what a program compiles to and that JAX's own key leaves out.

    A program compiled for one processor may not run on another, and machines may share a home folder. XLA splits sums
    over the threads it may use, so a different number of threads changes the last digits.
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
    """The processor's model and instruction sets, as one string."""
    about = f"{platform.system()} {platform.machine()}"
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(("flags", "Features", "model name")):
                    about += line.partition(":")[2]
                elif not line.strip():
                    break  # one core is enough: they are alike
    except OSError:
        about += platform.processor()
    return about
