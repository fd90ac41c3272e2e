"""Files that are either whole or absent."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path


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
        `path` stays as it was.

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
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
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
