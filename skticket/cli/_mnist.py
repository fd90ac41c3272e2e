"""`skticket mnist`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..utils import printable, processor_name
from ._errors import one_line_errors
from ._output import FORMAT_HELP, log_to_screen, make_console, name_files, output_folder
from ._parsing import EXPERIMENTS, FORMATS, PRESETS, choice, one_of, several_of
from ._progress import counting


def mnist(
    experiment: Annotated[str, typer.Argument(help=f"One of: {', '.join(EXPERIMENTS)}.")],
    preset: Annotated[
        str,
        choice(
            PRESETS,
            "The paper's protocol; one of a tenth of its iterations; that with fewer sizes, found "
            "at a budget; or a trifle.",
        ),
    ] = "fast",
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
    with one_line_errors():
        one_of("EXPERIMENT", experiment, EXPERIMENTS)
        settings = {
            "preset": one_of("--preset", preset, PRESETS),
            "dataset": dataset,
            "trials": trials,
            "rounds": rounds,
            "iterations": iterations,
            "seed": seed,
            "device": device,
        }
        formats = several_of("--format", format, FORMATS)
        with output_folder(output):
            _run(experiment, settings, jobs, formats, output)


def _run(experiment, settings, jobs, formats, output):
    import matplotlib

    # Pictures go to files: no window, and no need of a screen.
    matplotlib.use("Agg")
    from ..experiments import Laboratory
    from ..experiments import mnist as paper

    names = list(paper.EXPERIMENTS) if experiment == "all" else [experiment]
    console = make_console()
    log_to_screen()
    laboratory = Laboratory.open(**settings, jobs=jobs, memory=output / "networks")
    conditions = [paper.EXPERIMENTS[name].conditions(laboratory.protocol) for name in names]
    networks = {network for some in conditions for network in laboratory.networks(some)}
    results, written, done = [], [], set()
    with counting(console, "starting", "networks") as tell:
        tell(total=len(networks))

        def count(network):
            done.add(network)
            tell(len(done))

        laboratory = replace(laboratory, progress=count)
        for name in names:
            tell(text=name)
            result = paper.EXPERIMENTS[name].run(laboratory)
            written += paper.write_result(result, output, formats)
            _print_claims(result, console)
            results.append(result)
    if experiment == "all":
        written += paper.write_report(results, _about(laboratory, settings), output, formats)
    name_files(written, output, console)


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
