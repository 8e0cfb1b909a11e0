"""Certificates for tests, by the openssl command."""

from __future__ import annotations

import subprocess
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_certificates(folder: Path) -> Path:
    """A folder with `ca.pem`, and `edge.pem` for localhost signed by it, with its key."""
    folder.mkdir(exist_ok=True)
    authority = ("-subj", "/CN=test authority", "-addext", "basicConstraints=critical,CA:TRUE")
    _openssl(folder, "req", "-x509", *KEY, "-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "2", *authority)
    _openssl(folder, "req", *KEY, "-keyout", "edge-key.pem", "-out", "edge.csr", "-subj", "/CN=localhost")
    (folder / "extensions").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    signing = ("-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-extfile", "extensions")
    _openssl(folder, "x509", "-req", "-in", "edge.csr", "-out", "edge.pem", "-days", "2", *signing)
    return folder


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
