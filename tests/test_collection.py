"""Test processes share the work only where each of them collects the same tests."""

import os
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_another_process_collects_the_same_tests(request):
    here = request.session
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-W", "default"]
    other = subprocess.run(
        [*collect, "-p", "no:cacheprovider", *request.config.args],
        cwd=here.config.rootpath,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
    )
    assert other.returncode == 0, other.stdout + other.stderr
    missing = {item.nodeid for item in here.items} - set(other.stdout.splitlines())
    assert not missing
