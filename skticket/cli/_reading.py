"""Tables in files of this machine: CSV with any separator, and Parquet."""

import csv
import re
from dataclasses import dataclass
from io import StringIO

from ..utils import extra
from ._output import shown

# Of the start of a file, so much tells its form.
_SAMPLE = 2**20
# Where several fit, the comma is part of the values.
_SEPARATORS = "\t;|,"
_NUMBER = r"\s*[+-]?\d+{}\d+(e[+-]?\d+)?\s*"
# What is not UTF-8 was most likely written by a program for Windows.
_ENCODINGS = ("utf-8-sig", "cp1252")
_PACKED = b"PK\x03\x04", b"\x1f\x8b"


@dataclass(frozen=True)
class Reading:
    """How a file is to be read; what is None is found out.

    Parameters
    ----------
    sep : str, default=None
        What separates the values of a row.
    decimal : {".", ","}, default=None
        What stands before decimals.
    encoding : str, default=None
        What makes characters of bytes.
    missing : tuple of str, default=()
        What means that there is no value, besides an empty cell, NA, NaN, null and the like.
    text : tuple of str, default=()
        Columns that are text, whatever they look like.
    """

    sep: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    missing: tuple = ()
    text: tuple = ()

    def __post_init__(self):
        if self.sep is not None and (len(self.sep) != 1 or self.sep in '"\r\n\0'):
            raise ValueError(f"--sep must be one character, or tab; got {self.sep!r}")
        if self.decimal not in (None, ".", ","):
            raise ValueError(f'--decimal must be "." or ","; got {self.decimal!r}')
        try:
            "".encode(self.encoding or "utf-8")
        except (LookupError, ValueError):
            raise ValueError(f"--encoding: there is none called {self.encoding!r}") from None


def read_table(path, reading):
    """Return the table in a file.

    Parameters
    ----------
    path : str
        Of a file; no address.
    reading : Reading
        How to read it.

    Returns
    -------
    frame : DataFrame
        Columns are numbers, truth values, times, or text; of any other kind as they came.
    names : list of str
        Those of the columns, as the file has them: some may be alike.
    form : str
        What was found out of the file's form.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path):
        raise ValueError(f"{path}: only files of this machine are read; download it first")
    with open(path, "rb") as file:
        start = file.read(_SAMPLE)
    if start.startswith(_PACKED):
        raise ValueError(
            f"{path} is packed, as .gz, .zip and .xlsx files are: unpack it, or save it as CSV or "
            "Parquet"
        )
    if start.startswith(b"PAR1"):
        frame, form = _read_parquet(path, reading), "Parquet"
        names = list(frame.columns)
    else:
        frame, names, form = _read_csv(path, start, reading)
    for name in frame:
        frame[name] = _usual(frame[name], name in reading.text)
    return frame, names, form


def _read_parquet(path, reading):
    with extra("tables", "Parquet files"):
        import pyarrow.parquet  # noqa: F401
    import pandas as pd

    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except Exception as error:  # of any kind: what is damaged fails anywhere in the reader
        raise ValueError(f"{path} is not a Parquet file of a table: {error}") from error
    # What pandas took for names of rows when it wrote the file is a column to everybody else.
    frame = frame.reset_index(drop=all(name is None for name in frame.index.names))
    frame.columns = map(str, frame.columns)
    numbers = [float(mark) for mark in reading.missing if re.fullmatch(r"[+-]?[\d.]+", mark)]
    return frame.mask(frame.isin([*reading.missing, *numbers])) if reading.missing else frame


def _read_csv(path, start, reading):
    failed = "it has characters that no text has"
    for encoding in [reading.encoding] if reading.encoding else _encodings(start):
        try:
            return _parse_csv(path, start, encoding, reading)
        except UnicodeError as error:
            failed = error
    raise ValueError(f"{path} is not a CSV file: {failed}; give its --encoding if it is one")


def _encodings(start):
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    return () if b"\0" in start else _ENCODINGS


def _parse_csv(path, start, encoding, reading):
    import pandas as pd

    # Cut anywhere, the last character may be half a one.
    text = start.decode(encoding, errors="strict" if len(start) < _SAMPLE else "replace")
    try:
        form = _form(text, reading)
        names = next(_rows(text, form["sep"]), [])
        if len(names) == 1 and reading.sep is None:
            raise csv.Error(f"no separator in its first line {shown(names[0])}; --sep names one")
        # Given the path itself, pandas would open addresses and archives, too.
        with open(path, encoding=encoding, newline="") as file:
            frame = pd.read_csv(
                file,
                **form,
                na_values=list(reading.missing),
                dtype=dict.fromkeys(reading.text, str),
                low_memory=False,
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise ValueError(
            f"{path} has rows of more values than the {len(names)} that the header names"
        )
    return frame, names, _told(form, encoding)


def _form(text, reading):
    """Return separator and decimal mark, as given or as the text has them."""
    sep = reading.sep or max(_SEPARATORS, key=lambda sep: _fit(text, sep))
    decimal = reading.decimal
    if decimal is None:
        cells = {cell for row in _rows(text, sep) for cell in row}
        points, commas = (
            sum(re.fullmatch(_NUMBER.format(mark), cell, re.I) is not None for cell in cells)
            for mark in (r"\.", ",")
        )
        # Where commas separate values, those within a value separate thousands.
        decimal = "," if commas > points and sep != "," else "."
    return {"sep": sep, "decimal": decimal}


def _fit(text, sep):
    """Return the share of rows, in percent, that a separator cuts into as many as the first."""
    try:
        widths = [len(row) for row in _rows(text, sep)]
    except csv.Error:
        return 0
    if not widths or widths[0] == 1:
        return 0
    # A little less for the last row, which may be cut anywhere.
    return round(100 * widths.count(widths[0]) / len(widths))


def _rows(text, sep):
    """Yield the rows of a text that are not empty."""
    return filter(None, csv.reader(StringIO(text, newline=None), delimiter=sep))


def _told(form, encoding):
    name = {"\t": "tab"}.get(form["sep"], form["sep"])
    decimal = "" if form["decimal"] == "." else f', decimal mark "{form["decimal"]}"'
    return f'values separated by "{name}"{decimal}, in {encoding.removesuffix("-sig")}'


def _usual(column, is_text):
    """Return a column as numbers, truth values, times or text, if it is one of these."""
    import pandas as pd
    from pandas.api.types import infer_dtype, is_bool_dtype, is_numeric_dtype

    if is_text or isinstance(column.dtype, pd.CategoricalDtype):
        # Of categories, nobody asks whether they look like numbers or times.
        return column.astype(object).map(str, na_action="ignore").astype("category")
    if isinstance(column.dtype, pd.api.extensions.ExtensionDtype) and is_numeric_dtype(column):
        whole = is_bool_dtype(column) and not column.hasnans
        return column.astype(bool if whole else float)
    if column.dtype != object:
        return column
    kind = infer_dtype(column, skipna=True)
    if kind in ("boolean", "floating", "mixed-integer-float", "decimal", "empty"):
        return pd.to_numeric(column, errors="coerce")
    if kind == "integer":
        return column.map(_to_float, na_action="ignore").astype(float)
    if kind in ("date", "datetime"):
        return pd.to_datetime(column, errors="coerce")
    return column


def _to_float(number):
    """Return an integer of any length as a float, infinite where it is too long for one."""
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
