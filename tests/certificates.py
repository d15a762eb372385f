"""Certificates for tests, made on the spot by openssl."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def self_signed(folder: Path, name: str = "localhost") -> Path:
    """One PEM file with a key and a certificate for `name` that signs itself. Skips the test without openssl."""
    if not shutil.which("openssl"):
        skip = pytest.fail if os.environ.get("CI") else pytest.skip
        skip("openssl is not installed")
    made = folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", made, "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    made.write_bytes(made.read_bytes() + (folder / "certificate.pem").read_bytes())
    return made
