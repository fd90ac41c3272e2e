"""`skticket predict`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..utils import printable, replacing
from ._errors import one_line_errors
from ._output import listed, shown
from ._parsing import choice, names_of
from ._reading import Reading, read_table

_TAB = {"tab": "\t", r"\t": "\t"}


def predict(
    model: Annotated[Path, typer.Argument(help="A model saved by find: model.skops.")],
    file: Annotated[str, typer.Argument(help="A table like the one the model learned from.")],
    output: Annotated[
        Path, typer.Option(help="CSV file to write to, instead of the screen.")
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Tell the probability of each class, too.")
    ] = False,
    missing: Annotated[
        str, typer.Option(help="What else means that there is no value, besides what find knew.")
    ] = "",
    sep: Annotated[str, typer.Option(help="What separates values; found out.")] = None,
    decimal: Annotated[str, choice((".", ","), "Decimal mark; found out.")] = None,
    encoding: Annotated[str, typer.Option(help="Of the file; found out.")] = None,
) -> None:
    """Predict the rows of a table with a saved model, a line each, in their order."""
    with one_line_errors():
        form = _TAB.get(sep, sep), decimal, encoding, names_of(missing)
        _write(_predicted(model, file, form, proba), output)


def _predicted(path, file, form, proba):
    """Return a table of predictions."""
    import pandas as pd

    from ..persistence import about_model, load_model

    about = about_model(path)
    if proba and not about["classes"]:
        raise ValueError(f"--proba: {path} predicts numbers, not classes")
    if about["n_columns"] is None:
        raise ValueError(
            f"{path} takes no table; what it takes is for skticket.persistence.load_model, in "
            "Python"
        )
    X = _rows(file, form, about)
    model = load_model(path)
    if not hasattr(model, "predict"):
        raise ValueError(f"{path} predicts nothing: it only transforms")
    if "date" in about["columns"].values():
        # Step by step, to see what the first cannot read.
        prepared = model[0].transform(X)
        _check_dates(file, X, prepared, about["columns"])
        X, model = prepared, model[1:]
    name, predicted = about["target"] or "prediction", model.predict(X)
    if predicted.ndim == 1:
        found = pd.DataFrame({name: predicted})
    else:
        found = pd.DataFrame(predicted, columns=[f"{name} {k}" for k in range(predicted.shape[1])])
    if proba:
        for label, column in zip(about["classes"], model.predict_proba(X).T):
            found[f"probability of {label}"] = column
    return found


def _rows(file, form, about):
    """Return the rows of a table as the model takes them."""
    sep, decimal, encoding, missing = form
    kinds = about["columns"]
    texts = tuple(name for name, kind in kinds.items() if kind in ("category", "text"))
    reading = Reading(sep, decimal, encoding, (*about["missing"], *missing), texts)
    frame, _, _ = read_table(file, reading)
    if not len(frame):
        raise ValueError(f"{file} has no rows to predict, only the names of its columns")
    if not kinds:
        return _numbers_alone(file, frame, about["n_columns"])
    # What was of one value has taught nothing.
    unused = [name for name, kind in kinds.items() if kind == "not used"]
    frame = frame.assign(**{name: None for name in unused if name not in frame})
    lacking = [name for name in kinds if name not in frame]
    if lacking:
        raise ValueError(f"{file} lacks columns that the model learned from: {listed(lacking)}")
    frame = frame[list(kinds)].astype(dict.fromkeys(texts, object))
    faults = [
        _fault(file, frame[name], _is_not_a_number(frame[name]), "numbers")
        for name, kind in kinds.items()
        if kind == "number"
    ]
    _raise(file, faults)
    return frame


def _numbers_alone(file, frame, n_columns):
    numbers = frame.select_dtypes(["number", "bool"])
    if numbers.shape[1] != frame.shape[1] or frame.shape[1] != n_columns:
        raise ValueError(
            f"{file} has {frame.shape[1]} columns, {numbers.shape[1]} of numbers; the model takes "
            f"{n_columns} of numbers"
        )
    return numbers.to_numpy(float)


def _is_not_a_number(column):
    import numpy as np
    import pandas as pd

    # Beside what is none, truth values are read as text.
    numbers = pd.to_numeric(column.replace({"True": "1", "False": "0"}), errors="coerce")
    return column.notna() & ~np.isfinite(numbers.astype(float))


def _check_dates(file, frame, prepared, kinds):
    faults = [
        _fault(file, frame[name], frame[name].notna() & prepared[f"{name}_year"].isna(), "dates")
        for name, kind in kinds.items()
        if kind == "date"
    ]
    _raise(file, faults)


def _fault(file, column, is_wrong, kind):
    """Return what is wrong with a column, or None."""
    if not is_wrong.any():
        return None
    first = int(is_wrong.to_numpy().argmax())
    return ValueError(
        f"column {column.name!r} is to hold {kind}, but has {shown(column.iloc[first])} in row "
        f"{first + 1}"
    )


def _raise(file, faults):
    faults = [fault for fault in faults if fault is not None]
    if faults:
        raise ExceptionGroup(file, faults)


def _write(found, output):
    if output is not None:
        with replacing(output) as temporary:
            found.to_csv(temporary, index=False)
    elif sys.stdout.isatty():
        print(*map(printable, found.to_csv(index=False).splitlines()), sep="\n")
    else:
        found.to_csv(sys.stdout, index=False)
