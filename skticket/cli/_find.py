"""`skticket find`."""

import logging
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ._errors import one_line_errors
from ._output import (
    FORMAT_HELP,
    log_to_screen,
    make_console,
    make_table,
    output_folder,
    picture_writers,
    write_files,
)
from ._parsing import number_or_name, picture_formats
from ._source import load
from ._verdict import verdict


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
    rounds: Annotated[
        int, typer.Option(help="How many times to prune; 7, but 12 for mnist1d.")
    ] = None,
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
    round_budget: Annotated[
        float,
        typer.Option(help="Share of a full training that a round may cost which finds the next."),
    ] = 1.0,
    controls: Annotated[
        int,
        typer.Option(
            min=0,
            help="How many networks of each kind to compare the kept round with: fresh "
            "weights in its structure, and its connections rearranged.",
        ),
    ] = 5,
    seeds: Annotated[
        int, typer.Option(min=1, help="Searches to show; those after the first differ by seed.")
    ] = 1,
    hidden: Annotated[
        str, typer.Option(help="Hidden layer sizes; 300,100, but 500 for mnist1d.")
    ] = None,
    epochs: Annotated[
        int, typer.Option(help="Passes over the data a round; 30, but 4 for mnist, 40 for mnist1d.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Determines everything random.")] = 0,
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "png",
    output: Annotated[Path, typer.Option(help="Folder for what is found.")] = Path("results/find"),
) -> None:
    """Find a winning ticket, compare it with controls, and save ticket, tables and picture."""
    with one_line_errors(), output_folder(output):
        parameters = {
            "prune_rate": number_or_name(prune_rate),
            "strategy": strategy,
            "schedule": str(schedule),
            "rewind_to": number_or_name(rewind_to),
            "select": select,
            "round_budget": round_budget,
            "random_state": seed,
        }
        if hidden is not None:
            sizes = tuple(number_or_name(size) for size in hidden.split(","))
            parameters["hidden_layer_sizes"] = sizes
        given = {"max_epochs": epochs, "rounds": rounds}
        parameters |= {name: value for name, value in given.items() if value is not None}
        formats = picture_formats(format)
        loaded = load(source, target, str(task), seed)
        _find(loaded, parameters, controls, range(seed, seed + seeds), formats, output)


def _find(source, parameters, n_controls, seeds, formats, output):
    import pandas as pd
    from sklearn.callback import ProgressBar
    from sklearn.pipeline import Pipeline

    from ..estimators import WinningTicketClassifier, WinningTicketRegressor
    from ._evidence import collect, control_table, round_table, search_again

    console = make_console()
    # The first compilation of the sparse step takes a while, and says so in the log.
    log_to_screen()
    logging.getLogger("skticket").setLevel(logging.INFO)
    X_train, X_test, y_train, y_test = source.parts
    estimator_class = WinningTicketRegressor if source.regression else WinningTicketClassifier
    model = estimator_class(**source.defaults | parameters).set_callbacks(ProgressBar())
    pipeline = Pipeline([*source.preparation, ("ticket", model)])
    # Fitted step by step: what the ticket learns from is also what its controls do.
    train = pipeline[:-1].fit_transform(X_train), y_train
    test = pipeline[:-1].transform(X_test), y_test
    model.fit(*train)
    controls, rounds = None, round_table(model, *test)
    if n_controls and model.selected_round_:
        with console.status(f"Training {n_controls} controls of each kind"):
            controls = control_table(model, train, test, n_controls)
    if len(seeds) > 1:
        with console.status(f"Searching again from {len(seeds) - 1} other seeds"):
            rounds = pd.concat([rounds, *search_again(model, train, test, seeds[1:])])
    evidence = collect(model, train, test, controls)
    console.print(_rounds_table(evidence))
    if controls is not None:
        console.print(_controls_table(evidence))
    console.print(verdict(evidence))
    writers = {
        "ticket.safetensors": model.ticket_.save,
        "rounds.csv": partial(rounds.to_csv, index=False),
        **picture_writers("rounds", _draw(rounds, controls, evidence.score_name), formats),
    }
    if controls is not None:
        writers["controls.csv"] = partial(controls.to_csv, index=False)
    write_files(writers, output, console)


def _rounds_table(evidence):
    columns = ("round", "% left", "weights", "to match", "early loss", "validation", "test")
    rows = [
        (
            str(row.round),
            f"{100 * row.density:.3g}",
            f"{row.n_weights:,}",
            _iterations(row.iterations_to_match),
            f"{row.early_loss:.4f}",
            f"{row.valid_score:.4f}",
            f"{row.test_score:.4f}",
            "" if row.density == 1 else "yes" if row.is_winning else "no",
        )
        for row in evidence.rounds.itertuples()
    ]
    caption = (
        f"scores: {evidence.score_name}; to match: iterations until the full network's validation "
        "score; early loss: mean validation loss until the full network converged"
    )
    last = "winning"
    return make_table((*columns, last), rows, text=(last,), caption=caption)


def _controls_table(evidence):
    columns = ("control", "to match", "early loss", "validation", "test")
    rows = [
        (
            row.control,
            _iterations(row.iterations_to_match),
            f"{row.early_loss:.4f}",
            f"{row.valid_score:.4f}",
            f"{row.test_score:.4f}",
            "yes" if row.is_winning else "no",
        )
        for row in evidence.controls.itertuples()
    ]
    title, last = f"Controls of round {evidence.kept}", "would win"
    return make_table((*columns, last), rows, text=("control", last), title=title)


def _iterations(number):
    return "never" if number != number else f"{number:,.0f}"


def _draw(rounds, controls, score_name):
    from matplotlib.figure import Figure

    from ..inspection import TicketCurveDisplay

    # A Figure of its own, rather than pyplot's, needs no screen and leaks nothing.
    figure = Figure(figsize=(9, 4.1), layout="constrained")
    TicketCurveDisplay.from_results(
        rounds, controls=controls, score_name=score_name, ax=figure.subplots(1, 2)
    )
    return figure
