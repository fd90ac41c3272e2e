"""Files that are either whole or absent."""

import os
import re
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

_STARTED = time.time()
# Nothing is written for so many seconds.
_OLD = 24 * 60 * 60
_TEMPORARY = re.compile(r"\.skticket-([0-9]+)-")


@contextmanager
def replacing(path):
    """Write a file under a temporary name and move it into place at the end.

    Parameters
    ----------
    path : str or os.PathLike
        The file to write. Its folder is made if missing.

    Yields
    ------
    pathlib.Path
        The temporary file to write to, in the same folder. When the block ends
        normally it replaces `path`; when the block raises, it is removed and
        `path` stays as it was. So it does on Windows, with a PermissionError,
        while another program has it open.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skticket.utils import replacing
    >>> folder = tempfile.TemporaryDirectory()
    >>> with replacing(f"{folder.name}/a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> Path(folder.name, "a.txt").read_text()
    'whole'
    >>> folder.cleanup()
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays, because some writers (matplotlib) choose the format by it.
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".skticket-{os.getpid()}-", suffix=path.suffix
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; the result gets the mode of any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_left_over(folder, pattern=_TEMPORARY):
    """Remove temporary files of processes that ended before they were done.

    Where a process cannot be asked whether it lives, as on Windows, those of others stay for a
    day.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to look; not in its subfolders.
    pattern : re.Pattern, default=that of `replacing`
        What the names of temporary files begin with; its group is the number of the process.
    """
    # Others may be cleaning, too, and a folder may be one to read only: no reason to stop.
    with suppress(OSError):
        for entry in os.scandir(folder):
            found = pattern.match(entry.name)
            if found and _is_left_over(entry, int(found.group(1))):
                os.unlink(entry.path)


def _is_left_over(entry, process):
    """Whether nobody writes to a file of a process any more."""
    changed = entry.stat().st_mtime
    if process == os.getpid():
        # In a container, the process before this one often had its number.
        return changed < _STARTED
    return not _lives(process) or changed < time.time() - _OLD


def _lives(process):
    if os.name != "posix":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
