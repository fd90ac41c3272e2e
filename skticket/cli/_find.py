"""`skticket find`."""

import logging
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ._errors import one_line_errors
from ._output import log_to_screen, make_console, make_table, output_folder, write_files
from ._parsing import number_or_name
from ._source import load


class Schedule(StrEnum):
    """How rounds follow one another."""

    iterative = "iterative"
    one_shot = "one-shot"


class Task(StrEnum):
    """What to predict."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


def find(
    source: Annotated[
        str,
        typer.Argument(
            help='"mnist1d", "digits", "mnist", or a CSV file of numbers with a header.'
        ),
    ],
    target: Annotated[str, typer.Option(help="The CSV file's column to predict.")] = None,
    task: Annotated[
        Task, typer.Option(help="For a CSV file; auto: numbers of over 20 values are regression.")
    ] = Task.auto,
    rounds: Annotated[int, typer.Option(help="How many times to prune.")] = 7,
    prune_rate: Annotated[
        str, typer.Option(help="Share of weights to prune a round, or their number a layer.")
    ] = "0.2",
    strategy: Annotated[str, typer.Option(help="How weights are scored.")] = "magnitude",
    schedule: Annotated[
        Schedule, typer.Option(help="Prune round by round, or all at once.")
    ] = Schedule.iterative,
    rewind_to: Annotated[
        str, typer.Option(help="init, none, reinit, rearrange, or a number of steps.")
    ] = "init",
    select: Annotated[
        str, typer.Option(help="Which round to keep: winning, best or last.")
    ] = "winning",
    hidden: Annotated[str, typer.Option(help="Hidden layer sizes.")] = "300,100",
    epochs: Annotated[
        int, typer.Option(help="Passes over the data a round; 30, but 4 for mnist, 40 for mnist1d.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Determines everything random.")] = 0,
    output: Annotated[Path, typer.Option(help="Folder for what is found.")] = Path("results/find"),
) -> None:
    """Find a winning ticket, show each round, and save ticket, table and picture."""
    with one_line_errors(), output_folder(output):
        parameters = {
            "hidden_layer_sizes": tuple(number_or_name(size) for size in hidden.split(",")),
            "rounds": rounds,
            "prune_rate": number_or_name(prune_rate),
            "strategy": strategy,
            "schedule": str(schedule),
            "rewind_to": number_or_name(rewind_to),
            "select": select,
            "random_state": seed,
        }
        if epochs is not None:
            parameters["max_epochs"] = epochs
        _find(source, target, str(task), parameters, output)


def _find(source, target, task, parameters, output):
    import pandas as pd
    from sklearn.callback import ProgressBar
    from sklearn.metrics import accuracy_score, r2_score

    from ..estimators import WinningTicketClassifier, WinningTicketRegressor

    console = make_console()
    # The first compilation of the sparse step takes a while, and says so in the log.
    log_to_screen()
    logging.getLogger("skticket").setLevel(logging.INFO)
    (X_train, X_test, y_train, y_test), regression, defaults = load(source, target, task)
    estimator_class = WinningTicketRegressor if regression else WinningTicketClassifier
    score, score_name = (r2_score, "R²") if regression else (accuracy_score, "accuracy")
    model = estimator_class(**defaults | parameters).set_callbacks(ProgressBar())
    model.fit(X_train, y_train)
    table = pd.DataFrame(model.round_results_)
    table["test_score"] = [score(y_test, y) for y in model.staged_predict(X_test)]
    console.print(_rounds_table(table, score_name))
    console.print(_sentence(table, model, score_name))
    writers = {
        "ticket.safetensors": model.ticket_.save,
        "rounds.csv": partial(table.to_csv, index=False),
        "rounds.png": partial(_write_picture, table, score_name),
    }
    write_files(writers, output, console)


def _rounds_table(table, score_name):
    columns = ("round", "% remaining", "weights", "iterations", "validation", "test")
    rows = [
        (
            str(row.round),
            f"{100 * row.density:.3g}",
            f"{row.n_weights:,}",
            f"{row.iterations_to_converge:,}",
            f"{row.valid_score:.4f}",
            f"{row.test_score:.4f}",
            "full network" if row.density == 1 else "yes" if row.is_winning else "no",
        )
        for row in table.itertuples()
    ]
    caption = f"scores: {score_name}; iterations: to converge"
    last = "winning ticket"
    return make_table((*columns, last), rows, text=(last,), caption=caption)


def _sentence(table, model, score_name):
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


def _write_picture(table, score_name, path):
    from matplotlib.figure import Figure

    from ..inspection import TicketCurveDisplay

    # A Figure of its own, rather than pyplot's, needs no screen and leaks nothing.
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    TicketCurveDisplay.from_results(table, score_name=score_name, ax=figure.subplots(1, 2))
    figure.savefig(path, dpi=120)
