import os
import stat
import subprocess
import sys
import time

import pytest

from skticket.utils import remove_left_over, replacing


def test_file_appears_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit])
def test_nothing_changes_when_writing_fails(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_no_file_appears_when_writing_fails(tmp_path):
    with pytest.raises(RuntimeError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_folder_is_made(tmp_path):
    with replacing(tmp_path / "new" / "folder" / "a.txt") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "new" / "folder" / "a.txt").read_text() == "whole"


def test_path_may_be_a_string_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with replacing("a.txt") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_temporary_file_is_beside_the_file_and_of_its_kind(tmp_path):
    # Beside it, so that moving it is one step; of its kind, for writers that look at the suffix.
    with replacing(tmp_path / "a.png") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"")


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_mode_is_that_of_any_new_file(tmp_path, mask):
    before = os.umask(mask)
    try:
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("whole")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~mask


@pytest.fixture
def dead():
    """Give the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def file_of(folder, process, age=0):
    path = folder / f".skticket-{process}-abc.csv"
    path.write_text("half")
    changed = time.time() - age
    os.utime(path, (changed, changed))
    return path


@pytest.mark.skipif(os.name != "posix", reason="asks POSIX which processes live")
def test_files_of_dead_processes_are_removed(tmp_path, dead):
    path = file_of(tmp_path, dead)
    others = [tmp_path / name for name in (".hidden", f"skticket-{dead}-a.csv", ".skticket-x-a")]
    for other in others:
        other.write_text("kept")
    remove_left_over(tmp_path)
    assert not path.exists()
    assert all(other.exists() for other in others)


def test_files_of_running_processes_are_kept_for_a_day(tmp_path):
    path = file_of(tmp_path, os.getppid(), age=60 * 60)
    remove_left_over(tmp_path)
    assert path.exists()
    file_of(tmp_path, os.getppid(), age=25 * 60 * 60)
    remove_left_over(tmp_path)
    assert not path.exists()


def test_own_files_are_kept_unless_older_than_the_process(tmp_path):
    with replacing(tmp_path / "a.csv") as temporary:
        temporary.write_text("half")
        remove_left_over(tmp_path)
        assert temporary.exists()
    path = file_of(tmp_path, os.getpid(), age=24 * 60 * 60 - 60)
    remove_left_over(tmp_path)
    assert not path.exists()


def test_nothing_to_remove(tmp_path):
    remove_left_over(tmp_path)
    remove_left_over(tmp_path / "nowhere")
