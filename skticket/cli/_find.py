"""What `skticket find` and `skticket info` do."""

import logging

import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from sklearn.callback import ProgressBar
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from .. import datasets
from ..estimators import WinningTicketClassifier, WinningTicketRegressor
from ..inspection import TicketCurveDisplay
from ..ticket import Ticket
from ..utils import replacing

_TEST_FRACTION = 0.2
# More values than these are taken for a number to predict, not for classes.
_MOST_CLASSES = 20


def find(source, target, task, parameters, output):
    """Search for a ticket and report it.

    Parameters
    ----------
    source : str
        "digits", "mnist" or the path of a CSV file.
    target : str or None
        The column of the CSV file to predict.
    task : {"auto", "classification", "regression"}
        For a CSV file.
    parameters : dict
        Of the estimator.
    output : pathlib.Path
        Folder to write to.
    """
    console = Console()
    # The first compilation of the sparse step takes a while, and says so in the log.
    logging.basicConfig(format="%(name)s: %(message)s")
    logging.getLogger("skticket").setLevel(logging.INFO)
    data, regression, defaults = _load(source, target, task)
    X_train, X_test, y_train, y_test = data
    estimator_class = WinningTicketRegressor if regression else WinningTicketClassifier
    model = estimator_class(**defaults | parameters).set_callbacks(ProgressBar())
    model.fit(X_train, y_train)
    score = r2_score if regression else accuracy_score
    table = pd.DataFrame(model.round_results_)
    table["test_score"] = [score(y_test, y) for y in model.staged_predict(X_test)]
    console.print(_rich_table(table, "R²" if regression else "accuracy"))
    console.print(_sentence(table, model, regression))
    _write(model, table, output, "R²" if regression else "accuracy")
    names = ", ".join(name for name in _FILES)
    console.print(f"Written to {output}: {names}", soft_wrap=True)


def _load(source, target, task):
    """Return train and test rows, whether it is regression, and defaults for these data."""
    if source == "mnist":
        X, y = datasets.fetch_mnist(return_X_y=True)
        # The paper's split and its grid; 5,000 of 60,000 rows are for validation.
        defaults = {"max_epochs": 4, "evaluate_every": 100, "validation_fraction": 1 / 12}
        return (X[:60_000], X[60_000:], y[:60_000], y[60_000:]), False, defaults
    if source == "digits":
        X, y = datasets.load_digits(return_X_y=True)
        regression = False
    else:
        X, y = _read_csv(source, target)
        numeric = pd.api.types.is_numeric_dtype(y)
        regression = task == "regression" or (
            task == "auto" and numeric and y.nunique() > _MOST_CLASSES
        )
        if regression and not numeric:
            raise ValueError(f"--task regression needs numbers in column {target!r}")
        y = y.to_numpy(float) if regression else y.to_numpy()
    return (*_split(X, y, regression),), regression, {}


def _split(X, y, regression):
    stratify = None if regression or pd.Series(y).value_counts().min() < 2 else y
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=_TEST_FRACTION, random_state=0, stratify=stratify
    )
    scaler = StandardScaler().fit(X_train)
    if regression:
        # The network learns scaled targets; R² does not depend on their scale.
        mean, std = y_train.mean(), y_train.std() or 1.0
        y_train, y_test = (y_train - mean) / std, (y_test - mean) / std
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def _read_csv(path, target):
    """Return features and target of a CSV file, or say which column is at fault."""
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError:
        raise ValueError(
            f'no file {path!r}: the source is "digits", "mnist" or a CSV file'
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from error
    columns = list(frame.columns)
    if target is None:
        raise ValueError(f"--target is missing: which of the columns {columns} is to be predicted?")
    if target not in columns:
        raise ValueError(f"--target: {path} has no column {target!r}, only {columns}")
    for name, column in frame.items():
        n_missing = int(column.isna().sum())
        if n_missing:
            raise ValueError(
                f"column {name!r} has {n_missing} missing values (of {len(column)} rows); "
                "fill or drop them first"
            )
        if name != target and not pd.api.types.is_numeric_dtype(column):
            raise ValueError(
                f"column {name!r} holds text, such as {column.iloc[0]!r}; encode it as numbers "
                "or drop it first"
            )
    if len(frame) < 10 or len(columns) < 2:
        raise ValueError(
            f"{path} has {len(frame)} rows and {len(columns)} columns; at least 10 rows and "
            "2 columns are needed"
        )
    return frame.drop(columns=target).to_numpy(float), frame[target]


def _rich_table(table, score_name):
    rich_table = Table(caption=f"scores: {score_name}; iterations: to converge")
    for name in ("round", "% remaining", "weights", "iterations", "validation", "test"):
        rich_table.add_column(name, justify="right")
    rich_table.add_column("winning ticket")
    for row in table.itertuples():
        rich_table.add_row(
            str(row.round),
            f"{100 * row.density:.3g}",
            f"{row.n_weights:,}",
            f"{row.iterations_to_converge:,}",
            f"{row.valid_score:.4f}",
            f"{row.test_score:.4f}",
            "full network" if row.density == 1 else "yes" if row.is_winning else "no",
        )
    return rich_table


def _sentence(table, model, regression):
    score_name = "R²" if regression else "accuracy"
    full = table.iloc[0]
    chosen = table[table["round"] == model.selected_round_].iloc[0]
    scores = (
        f"test {score_name} {chosen.test_score:.4f} against the full network's "
        f"{full.test_score:.4f}"
    )
    ticket = f"round {chosen['round']} keeps {100 * chosen.density:.3g}% of the weights"
    if chosen.is_winning:
        return (
            f"A winning ticket: {ticket} and reached the full network's validation {score_name} "
            f"in {chosen.iterations_to_match:,.0f} iterations (the full network converged after "
            f"{full.iterations_to_converge:,}); {scores}."
        )
    if not table["is_winning"].any():
        return f"No winning ticket in these rounds. Kept: {ticket}; {scores}."
    return f"Kept: {ticket}; it is not a winning ticket; {scores}."


def _write(model, table, output, score_name):
    for name, write in _FILES.items():
        with replacing(output / name) as temporary:
            write(model, table, temporary, score_name)


def _write_ticket(model, table, path, score_name):
    model.ticket_.save(path)


def _write_table(model, table, path, score_name):
    table.to_csv(path, index=False)


def _write_picture(model, table, path, score_name):
    # A Figure of its own, rather than pyplot's, needs no screen and leaks nothing.
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    display_axes = figure.subplots(1, 2)
    TicketCurveDisplay.from_results(table, score_name=score_name, ax=display_axes)
    figure.savefig(path, dpi=120)


_FILES = {
    "ticket.safetensors": _write_ticket,
    "rounds.csv": _write_table,
    "rounds.png": _write_picture,
}


def describe(path):
    """Print what a saved ticket holds.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    """
    ticket = Ticket.load(path)
    console = Console()
    table = Table()
    for name in ("weights of", "shape", "surviving", "of", "percent remaining"):
        table.add_column(name, justify="left" if name == "weights of" else "right")
    for name, mask in ticket.mask.items():
        shape = " × ".join(str(n) for n in mask.shape)
        percent = f"{100 * ticket.layer_densities[name]:.3g}"
        table.add_row(name, shape, f"{int(mask.sum()):,}", f"{mask.size:,}", percent)
    console.print(table)
    n_all = sum(mask.size for mask in ticket.mask.values())
    first = next(iter(ticket.mask.values()))
    console.print(
        f"{path}: a ticket of {ticket.n_weights:,} of {n_all:,} weights "
        f"({100 * ticket.density:.3g}%), {path.stat().st_size:,} bytes; "
        f"{int(first.reshape(len(first), -1).any(axis=0).sum())} of "
        f"{first[0].size} inputs are used.",
        soft_wrap=True,
    )
