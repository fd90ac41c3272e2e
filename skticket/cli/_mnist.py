"""`skticket mnist`."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..utils import printable, processor_name
from ._errors import one_line_errors
from ._output import FORMAT_HELP, log_to_screen, make_console, name_files, output_folder
from ._parsing import picture_formats


class Preset(StrEnum):
    """How networks are trained."""

    v1 = "v1"
    fast = "fast"
    quick = "quick"
    smoke = "smoke"


def mnist(
    experiment: Annotated[
        str,
        typer.Argument(
            help="all, one-shot, one-shot-controls, iterative, iterative-controls, "
            "initializations, architecture, initialization-scale, network-size, pruning-rate or "
            "resetting."
        ),
    ],
    preset: Annotated[
        Preset,
        typer.Option(
            help="The paper's protocol; one of a tenth of its iterations; that with fewer sizes, "
            "found at a budget; or a trifle."
        ),
    ] = Preset.fast,
    dataset: Annotated[
        str, typer.Option(help='"mnist", "digits", or a folder of four IDX files.')
    ] = "mnist",
    trials: Annotated[int, typer.Option(help="Repetitions; 5, but 2 for smoke.")] = None,
    rounds: Annotated[int, typer.Option(help="Prunings at 20%; 15, but 3 for smoke.")] = None,
    iterations: Annotated[int, typer.Option(help="Steps of each training.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for one a processor.")] = -1,
    seed: Annotated[int, typer.Option(help="Determines everything random.")] = 0,
    device: Annotated[str, typer.Option(help="A torch device, such as cpu or cuda.")] = "cpu",
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "png",
    output: Annotated[
        Path,
        typer.Option(help="Folder for tables, pictures and report, and the trained networks."),
    ] = Path("results/mnist"),
) -> None:
    """Repeat the paper's experiments on MNIST. Kill it at any time; it goes on where it was."""
    with one_line_errors(), output_folder(output):
        _run(
            experiment,
            {
                "preset": str(preset),
                "dataset": dataset,
                "trials": trials,
                "rounds": rounds,
                "iterations": iterations,
                "seed": seed,
                "device": device,
            },
            jobs,
            picture_formats(format),
            output,
        )


def _run(experiment, settings, jobs, formats, output):
    import matplotlib

    # Pictures go to files: no window, and no need of a screen.
    matplotlib.use("Agg")
    from ..experiments import Laboratory
    from ..experiments.mnist import EXPERIMENTS, write_report, write_result

    if experiment != "all" and experiment not in EXPERIMENTS:
        raise ValueError(f"no experiment {experiment!r}; there are all, {', '.join(EXPERIMENTS)}")
    names = list(EXPERIMENTS) if experiment == "all" else [experiment]
    console = make_console()
    log_to_screen()
    laboratory = Laboratory.open(**settings, jobs=jobs, memory=output / "networks")
    conditions = [EXPERIMENTS[name].conditions(laboratory.protocol) for name in names]
    networks = {network for some in conditions for network in laboratory.networks(some)}
    results, written, done = [], [], set()
    with _bar(console) as bar:
        task = bar.add_task("starting", total=len(networks))

        def count(network):
            done.add(network)
            bar.update(task, completed=len(done))

        laboratory = replace(laboratory, progress=count)
        for name in names:
            bar.update(task, description=name)
            result = EXPERIMENTS[name].run(laboratory)
            written += write_result(result, output, formats)
            _print_claims(result, console)
            results.append(result)
    if experiment == "all":
        written += write_report(results, _about(laboratory, settings), output, formats)
    name_files(written, output, console)


def _bar(console):
    """A bar of networks done, of all that the experiments need."""
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("networks"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left:"),
        progress.TimeRemainingColumn(),
        console=console,
        speed_estimate_period=600,
    )


def _print_claims(result, console):
    console.print(f"\n{result.name}: {result.experiment.question}", style="bold")
    for claim in result.claims:
        line = printable(f"{claim.text}: {claim.verdict} ({claim.evidence})")
        console.print(f"  {line}", soft_wrap=True)


def _about(laboratory, settings):
    """Return what a reader of the report has to know."""
    import numpy
    import sklearn
    import skorch
    import torch

    from .. import __version__

    protocol, data = laboratory.protocol, laboratory.images.data
    rows = (len(data.X), len(data.X_valid), len(data.X_test))
    return {
        "images": f"{laboratory.images.name}: {rows[0]:,} to train, {rows[1]:,} to validate, "
        f"{rows[2]:,} to test",
        "preset": settings["preset"],
        "network": "-".join(map(str, protocol.recipe.hidden_layer_sizes)),
        "training": f"{protocol.optimizer}, learning rate {protocol.learning_rate:g}, batches of "
        f"{protocol.batch_size}, {protocol.iterations:,} iterations, evaluated every "
        f"{protocol.evaluate_every}",
        "pruning": f"{protocol.rounds} rounds of {100 * protocol.recipe.prune_rate:g}%, the output "
        "layer at half the rate",
        "trials": f"{protocol.trials}, from seed {settings['seed']}",
        "processor": processor_name(),
        "versions": f"skticket {__version__}, scikit-learn {sklearn.__version__}, skorch "
        f"{skorch.__version__}, torch {torch.__version__}, numpy {numpy.__version__}",
    }
