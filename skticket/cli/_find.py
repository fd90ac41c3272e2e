"""`skticket find`."""

import logging
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ..utils import printable
from ._errors import one_line_errors
from ._output import (
    FORMAT_HELP,
    log_to_screen,
    make_console,
    output_folder,
    picture_writers,
    write_files,
)
from ._parsing import (
    FORMATS,
    REWINDS,
    SCHEDULES,
    SELECTIONS,
    STRATEGIES,
    TASKS,
    choice,
    names_of,
    number,
    number_or_one_of,
    one_of,
    several_of,
    whole_numbers,
)
from ._progress import RoundCounter, telling
from ._reading import Reading
from ._screen import classes_table, columns_table, controls_table, rounds_table
from ._source import load

_TAB = {"tab": "\t", r"\t": "\t"}


def find(
    source: Annotated[
        str,
        typer.Argument(
            help='"mnist1d", "digits", "mnist", or a table: a CSV or Parquet file of numbers, '
            "categories, text and times."
        ),
    ],
    target: Annotated[str, typer.Option(help="The table's column to predict.")] = None,
    task: Annotated[
        str, choice(TASKS, "Of a table; auto: decimals, or over 20 numbers, are regression.")
    ] = "auto",
    drop: Annotated[
        str, typer.Option(help="The table's columns to leave out, with commas between.")
    ] = "",
    text: Annotated[
        str, typer.Option(help="Columns that are text or categories, though they look otherwise.")
    ] = "",
    missing: Annotated[
        str, typer.Option(help="What means that there is no value, besides nothing, NA, NaN, ...")
    ] = "",
    sep: Annotated[str, typer.Option(help="What separates values; found out.")] = None,
    decimal: Annotated[str, choice((".", ","), "Decimal mark; found out.")] = None,
    encoding: Annotated[
        str, typer.Option(help="Of the file; UTF-8, UTF-16 and cp1252 are found out.")
    ] = None,
    scoring: Annotated[
        str,
        typer.Option(
            help="A score of scikit-learn's, such as roc_auc; accuracy (balanced_accuracy where a "
            "class is rare) or r2."
        ),
    ] = None,
    class_weight: Annotated[
        str, choice(("balanced",), "Let classes weigh the same, however few rows they have.")
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="How many times to prune; 7, but 12 for mnist1d.")
    ] = None,
    prune_rate: Annotated[
        str, typer.Option(help="Share of weights to prune a round, or their number a layer.")
    ] = "0.2",
    strategy: Annotated[str, choice(STRATEGIES, "How weights are scored.")] = "magnitude",
    schedule: Annotated[
        str,
        choice(SCHEDULES, "Prune round by round, all at once, or while a sparse network trains."),
    ] = "iterative",
    rewind_to: Annotated[
        str, choice((*REWINDS, "STEPS"), "Where survivors start from; a number of steps.")
    ] = "init",
    select: Annotated[str, choice(SELECTIONS, "Which round to keep.")] = "winning",
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
    batch_size: Annotated[int, typer.Option(help="Rows a step; grows with their number.")] = None,
    learning_rate: Annotated[
        float, typer.Option(help="Of Adam; 0.003, but 0.0012 for mnist and mnist1d.")
    ] = None,
    device: Annotated[str, typer.Option(help="A torch device, such as cpu or cuda.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Determines everything random.")] = 0,
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "png",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the verdict alone.")] = False,
    output: Annotated[Path, typer.Option(help="Folder for what is found.")] = Path("results/find"),
) -> None:
    """Find a winning ticket, compare it with controls, and save model, tables and picture."""
    with one_line_errors():
        parameters = {
            "prune_rate": number("--prune-rate", prune_rate),
            "strategy": one_of("--strategy", strategy, STRATEGIES),
            "schedule": one_of("--schedule", schedule, SCHEDULES),
            "rewind_to": number_or_one_of("--rewind-to", rewind_to, REWINDS),
            "select": one_of("--select", select, SELECTIONS),
            "round_budget": round_budget,
            "device": device,
            "random_state": seed,
        }
        given = {
            "hidden_layer_sizes": hidden and whole_numbers(hidden, "--hidden"),
            "max_epochs": epochs,
            "rounds": rounds,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "class_weight": class_weight and one_of("--class-weight", class_weight, ["balanced"]),
        }
        parameters |= {name: value for name, value in given.items() if value is not None}
        reading = Reading(_TAB.get(sep, sep), decimal, encoding, names_of(missing), names_of(text))
        asked = target, one_of("--task", task, TASKS), names_of(drop), reading.text
        formats = several_of("--format", format, FORMATS)
        seeds = range(seed, seed + seeds)
        wish = _Wish(scoring, controls, seeds, formats, quiet, target, reading.missing)
        # The last seed is the largest.
        with output_folder(output):
            _check_parameters(parameters | {"random_state": seeds[-1]})
            _find(_load(source, asked, reading, seed), parameters, wish, output)


@dataclass(frozen=True)
class _Wish:
    """What is to be found out, and shown."""

    scoring: str | None
    n_controls: int
    seeds: range
    formats: tuple
    quiet: bool
    target: str | None
    missing: tuple


def _check_parameters(parameters):
    """Refuse wrong values before a table is read and prepared."""
    from ..estimators import WinningTicketClassifier, check_parameters

    check_parameters(WinningTicketClassifier(**parameters))


def _load(source, asked, reading, seed):
    from ._faults import Question

    return load(source, Question(*asked), reading, seed)


def _find(source, parameters, wish, folder):
    from ._verdict import verdict

    console = make_console(wish.quiet)
    if not wish.quiet:
        # The first compilation of the sparse step takes a while, and says so in the log.
        log_to_screen()
        logging.getLogger("skticket").setLevel(logging.INFO)
    for note in source.notes:
        console.print(printable(note), soft_wrap=True)
    scoring = _scoring(source, wish, console)
    pipeline = _pipeline(source, parameters)
    train, test, columns = _prepared(pipeline, source, console)
    _fit(pipeline[-1], train, console)
    evidence, every_search = _evidence(pipeline[-1], train, test, scoring, wish, console)
    console.print(rounds_table(evidence))
    if evidence.controls is not None:
        console.print(controls_table(evidence))
    found = verdict(evidence)
    make_console().print(found)
    picture = _draw(every_search, evidence.controls, scoring.label)
    writers = {
        "ticket.safetensors": pipeline[-1].ticket_.save,
        "rounds.csv": _csv(every_search),
        **picture_writers("rounds", picture, wish.formats),
    }
    for name, table in (("controls", evidence.controls), ("columns", columns)):
        if table is not None:
            writers[f"{name}.csv"] = _csv(table)
    # Last: if a model cannot be saved, all else is there.
    writers |= _model_writers(pipeline, evidence, wish, found)
    write_files(writers, folder, console)
    if "model.skops" not in writers:
        console.print("Without skops, no model.skops: pip install 'skticket[models]'")


def _evidence(model, train, test, scoring, wish, console):
    """Return the evidence on a search, and the rounds of all searches."""
    import pandas as pd

    from ._evidence import collect, control_table, round_table, search_again

    with telling(console, "Scoring rounds"):
        rounds = every_search = round_table(model, train, test, scoring)
    controls = None
    if wish.n_controls and model.selected_round_:
        with telling(console, f"Training {wish.n_controls} controls of each kind"):
            controls = control_table(model, train, test, scoring, wish.n_controls)
    if len(wish.seeds) > 1:
        with telling(console, f"Searching again from {len(wish.seeds) - 1} other seeds"):
            others = search_again(model, train, test, scoring, wish.seeds[1:])
            every_search = pd.concat([rounds, *others])
    return collect(model, train, test, rounds, controls, scoring), every_search


def _model_writers(pipeline, evidence, wish, text):
    """Return what writes the model and its card, where skops is there for it."""
    if find_spec("skops") is None:
        return {}
    from ..persistence import save_model, write_card

    by_round = evidence.rounds.set_index("round")["test_score"]
    name = f"test {evidence.score_name}"
    scores = {name: by_round[evidence.kept], f"{name} of the full network": by_round[0]}
    about = {"target": wish.target, "scores": scores}
    tables = {"Rounds": evidence.rounds, "Controls": evidence.controls}
    told = {title: _told(table) for title, table in tables.items() if table is not None}
    shown = [ending for ending in wish.formats if ending != "pdf"]
    card = partial(
        write_card,
        pipeline,
        **about,
        text=text,
        tables=told,
        pictures={"Picture": f"rounds.{shown[0]}"} if shown else {},
    )
    return {
        "model.skops": partial(save_model, pipeline, **about, missing=wish.missing),
        "model.md": card,
    }


def _told(table):
    """Return the columns of a table that the screen shows, too."""
    names = ["control", "round", "density", "n_weights", "iterations_to_match", "early_loss"]
    names += ["valid_score", "test_score", "is_winning"]
    return table[[name for name in names if name in table]].round(4)


def _scoring(source, wish, console):
    """Return the score that is wanted, or else the one that tells most."""
    from ._evidence import Scoring

    name = wish.scoring or ("r2" if source.regression else "accuracy")
    if source.has_rare_class and wish.scoring is None:
        name = "balanced_accuracy"
        label, share = source.counts.index[-1], source.counts.min() / source.counts.sum()
        console.print(
            f"Only {100 * share:.2g}% of the rows are of class {printable(str(label))!r}, of which "
            "the accuracy says little: scores are the balanced accuracy (--scoring names another). "
            "With --class-weight balanced, all classes weigh the same in training.",
            soft_wrap=True,
        )
    scoring = Scoring(name, source.regression)
    # What cannot score this is told before anything is trained.
    scoring.of_a_constant(*source.parts[2:])
    return scoring


def _pipeline(source, parameters):
    from sklearn.pipeline import Pipeline

    from ..estimators import WinningTicketClassifier, WinningTicketRegressor

    if source.regression and "class_weight" in parameters:
        raise ValueError("--class-weight is for classes, but numbers are to be predicted")
    estimator_class = WinningTicketRegressor if source.regression else WinningTicketClassifier
    ticket = estimator_class(**source.defaults | parameters)
    return Pipeline([*source.preparation, ("ticket", ticket)])


def _prepared(pipeline, source, console):
    """Fit all but the last step; return rows to train and to test with, and what was made of them.

    The steps are fitted one by one: what the ticket learns from is what its controls do, too.
    """
    import pandas as pd

    from ._preparation import describe_columns, prepare

    X_train, X_test, y_train, y_test = source.parts
    with telling(console, "Preparing columns"):
        train, test = prepare(pipeline[:-1], X_train, X_test)
    columns = None
    if "table" in pipeline.named_steps:
        columns = describe_columns(pipeline["table"], pd.concat([X_train, X_test]))
        console.print(columns_table(columns))
        for name in columns["column"][columns["is_name"]]:
            console.print(
                f"{printable(name)!r} differs in each row: if it only names them, leave it out "
                "with --drop.",
                soft_wrap=True,
            )
    if source.counts is not None:
        console.print(classes_table(source.counts))
    return (train, y_train), (test, y_test), columns


def _fit(model, train, console):
    """Fit the ticket, and show how far it is."""
    if console.is_terminal and not console.quiet:
        from sklearn.callback import ProgressBar

        model.set_callbacks(ProgressBar()).fit(*train)
    else:
        with telling(console, "Round 0") as tell:
            model.set_callbacks(RoundCounter(tell)).fit(*train)
    # What is saved, and sent to other processes, is the model alone.
    model.set_callbacks()


def _csv(table):
    return partial(table.to_csv, index=False)


def _draw(rounds, controls, score_name):
    from matplotlib.figure import Figure

    from ..inspection import TicketCurveDisplay

    # A Figure of its own, rather than pyplot's, needs no screen and leaks nothing.
    figure = Figure(figsize=(9, 4.1), layout="constrained")
    TicketCurveDisplay.from_results(
        rounds, controls=controls, score_name=score_name, ax=figure.subplots(1, 2)
    )
    return figure
