"""`skticket mnist`."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import one_line_errors
from ._experiments import Cluster, Device, Format, Iterations, Jobs, Seed, run_experiments
from ._output import DATASET_HELP, output_folder
from ._parsing import EXPERIMENTS, FORMATS, PRESETS, choice, one_of, several_of


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
    dataset: Annotated[str, typer.Option(help=DATASET_HELP)] = "mnist",
    trials: Annotated[int, typer.Option(help="Repetitions; 5, but 2 for smoke.")] = None,
    rounds: Annotated[int, typer.Option(help="Prunings at 20%; 15, but 3 for smoke.")] = None,
    iterations: Iterations = None,
    jobs: Jobs = -1,
    cluster: Cluster = None,
    seed: Seed = 0,
    device: Device = "cpu",
    format: Format = "png",
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
            _run(experiment, settings, jobs, cluster, formats, output)


def _run(experiment, settings, jobs, cluster, formats, output):
    from ..experiments import Laboratory
    from ..experiments import mnist as paper

    names = list(paper.EXPERIMENTS) if experiment == "all" else [experiment]
    experiments = [paper.EXPERIMENTS[name] for name in names]
    laboratory = Laboratory.open(**settings, jobs=jobs, memory=output.absolute() / "networks")
    conditions = [one.conditions(laboratory.protocol) for one in experiments]
    networks = {network for some in conditions for network in laboratory.networks(some)}
    run_experiments(
        experiments,
        laboratory,
        output,
        formats,
        unit="networks",
        total=len(networks),
        write_report=paper.write_report if experiment == "all" else None,
        settings=settings,
        cluster=cluster,
    )
