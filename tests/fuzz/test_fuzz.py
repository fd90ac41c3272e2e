"""Readers of files under a few hundred files of every kind; `fuzzing.py` takes more."""

import fuzzing
import pytest


@pytest.mark.parametrize("reader", fuzzing.READERS)
def test_anything(reader, tmp_path):
    counts = fuzzing.fuzz(reader, tmp_path, max_examples=300)
    # Of both there is enough to tell that files are neither all whole nor all rubbish.
    assert counts["read"] > 10 and counts["refused"] > 10
