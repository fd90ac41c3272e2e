"""Tables on the screen, and files."""


def make_table(columns, rows, *, text=(), wrap=True, **options):
    """Return a table for the screen; columns are aligned on the right, but for those of `text`."""
    from rich.table import Table

    table = Table(**options)
    for name in columns:
        table.add_column(name, justify="left" if name in text else "right", no_wrap=not wrap)
    for row in rows:
        table.add_row(*row)
    return table


def write_files(writers, folder, console):
    """Write files, each at once or not at all, by what writes it to a path; and name them."""
    from ..utils import replacing

    for name, write in writers.items():
        with replacing(folder / name) as temporary:
            write(temporary)
    name_files(writers, folder, console)


def name_files(names, folder, console):
    """Say which files were written."""
    console.print(f"Written to {folder}: {', '.join(names)}", soft_wrap=True)
