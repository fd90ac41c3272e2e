"""Pictures as files."""

from pathlib import Path

from matplotlib import rc_context

FORMATS = ("png", "svg", "pdf")
# Without the time, the same picture is the same bytes.
_TIMELESS = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def save_figure(figure, path):
    """Write a figure, in the format that the path ends in; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib Figure
        What to write.
    path : str or os.PathLike
        A file that ends in .png (of 200 dots per inch), .svg or .pdf.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from matplotlib.figure import Figure
    >>> from skticket.inspection import save_figure
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_figure(Figure(), f"{folder}/empty.svg")
    ...     Path(folder, "empty.svg").read_text()[:5]
    '<?xml'
    """
    metadata = _TIMELESS.get(Path(path).suffix.removeprefix("."))
    with rc_context({"svg.hashsalt": "skticket"}):
        figure.savefig(path, dpi=200, metadata=metadata)
