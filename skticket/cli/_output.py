"""The screen, and files."""

import logging
import os
import tempfile
from contextlib import contextmanager, suppress
from functools import partial

from ..utils import printable, remove_left_over, replacing

# Of messages: characters of a value, and names.
_LONGEST, _MOST_NAMES = 40, 30


def shown(value):
    """Return a value for a message, cut where it is long."""
    text = repr(value.item() if getattr(value, "shape", None) == () else value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def listed(names, form=repr):
    """Return names for a message, not too many."""
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(form, names[:_MOST_NAMES])) + more


def make_console(quiet=False):
    """Return a console that shows text as it is, or nothing: names of files are no markup."""
    from rich.console import Console

    return Console(markup=False, emoji=False, quiet=quiet)


def make_table(columns, rows, *, text=(), wrap=True, **options):
    """Return a table for the screen; columns are aligned on the right, but for those of `text`."""
    from rich.table import Table

    table = Table(**options)
    for name in columns:
        justify = "left" if name in text else "right"
        table.add_column(name, justify=justify, no_wrap=not wrap, overflow="fold")
    for row in rows:
        table.add_row(*map(printable, row))
    return table


class _Printable(logging.Formatter):
    def format(self, record):
        return "\n".join(map(printable, super().format(record).splitlines()))


def log_to_screen():
    """Show the log on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Printable("%(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler])


DATASET_HELP = '"mnist", "mnist1d", "digits", or a folder of four IDX files.'
FORMAT_HELP = "Of pictures: png, svg, pdf, or several with commas between."


@contextmanager
def output_folder(folder):
    """Make the folder for what is to be computed, before that; if nothing comes of it, remove it.

    What killed runs left half-written in it is removed, too.
    """
    made = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        _make_writable(folder)
        remove_left_over(folder)
        yield
    except BaseException:
        for path in made:
            with suppress(OSError):  # never made, or there is something in it
                path.rmdir()
        raise


def _make_writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"--output: cannot write to {str(folder)!r}: {reason}") from error


def picture_writers(stem, figure, formats):
    """Return what writes a figure in each format, by the file's name."""
    from ..inspection import save_figure

    return {f"{stem}.{ending}": partial(save_figure, figure) for ending in formats}


def write_files(writers, folder, console):
    """Write files, each at once or not at all, by what writes it to a path; and name them."""
    for name, write in writers.items():
        with replacing(folder / name) as temporary:
            write(temporary)
    name_files(writers, folder, console)


def name_files(names, folder, console):
    """Say which files were written."""
    console.print(f"Written to {printable(str(folder))}: {', '.join(names)}", soft_wrap=True)
