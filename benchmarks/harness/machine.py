"""The machine: its processor, the versions, the commit that is timed."""

import importlib
import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from skticket.utils import processor_name

PACKAGES = "torch numpy numba scikit-learn skorch lightning sparseprop onnxruntime".split()


def missing(package):
    """Say why a package cannot be imported; "" if it can."""
    try:
        importlib.import_module(package)
    except Exception as error:  # a broken build may raise anything
        return f"{type(error).__name__}: {error}"
    return ""


def about():
    """Return what the machine and the versions are, as a dict."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "versions": {"Python": platform.python_version()} | _versions(),
    }


def _versions():
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _commit():
    """The commit that is timed, with a plus behind it if the package was changed since."""
    here = Path(__file__).parent
    try:
        commit = _git("rev-parse", "--short=10", "HEAD", cwd=here)
        changed = _git("status", "--porcelain", "--", "../../skticket", cwd=here)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(*arguments, cwd):
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()
