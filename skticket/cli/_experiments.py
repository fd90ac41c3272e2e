"""What the commands that run experiments have in common."""

from dataclasses import replace
from typing import Annotated

import typer

from ..utils import printable, processor_name
from ._cluster import on_cluster
from ._output import FORMAT_HELP, log_to_screen, make_console, name_files
from ._progress import counting

Iterations = Annotated[int, typer.Option(help="Steps of each training.")]
Jobs = Annotated[int, typer.Option(help="Processes; -1 for one a processor.")]
Cluster = Annotated[
    str,
    typer.Option(
        help="Address of a Dask scheduler, whose workers train the networks; all must see the "
        "output folder."
    ),
]
Seed = Annotated[int, typer.Option(help="Determines everything random.")]
Device = Annotated[str, typer.Option(help="A torch device, such as cpu or cuda.")]
Format = Annotated[str, typer.Option(help=FORMAT_HELP)]


def run_experiments(
    experiments,
    laboratory,
    output,
    formats,
    *,
    unit,
    total,
    write_report=None,
    settings=None,
    cluster=None,
):
    """Run experiments one after another, write what they give, and print their claims.

    Parameters
    ----------
    experiments : sequence of Experiment or of Study
        Which.
    laboratory : Laboratory
        Where networks are trained.
    output : pathlib.Path
        The folder for tables and pictures.
    formats : sequence of str
        Of pictures.
    unit : str
        What the laboratory tells of: networks, or trials.
    total : int
        How many of those there are.
    write_report : callable, default=None
        Writes a report, as `skticket.experiments.mnist.write_report`; None for none.
    settings : dict, default=None
        What the laboratory was opened with, for the report.
    cluster : str, default=None
        The address of a Dask scheduler; None for this machine.
    """
    import matplotlib

    # Pictures go to files: no window, and no need of a screen.
    matplotlib.use("Agg")
    from ..experiments.mnist import write_result

    console = make_console()
    log_to_screen()
    results, written, done = [], [], set()
    shared = laboratory.images.data
    with on_cluster(cluster, shared), counting(console, "starting", unit) as tell:
        tell(total=total)

        def count(one):
            done.add(one)
            tell(len(done))

        laboratory = replace(laboratory, progress=count)
        for experiment in experiments:
            tell(text=experiment.name)
            result = experiment.run(laboratory)
            written += write_result(result, output, formats)
            _print_claims(result, console)
            results.append(result)
    if write_report is not None:
        about = _about(laboratory, settings)
        for experiment in experiments:
            about |= experiment.settings
        written += write_report(results, about, output, formats)
    name_files(written, output, console)


def _print_claims(result, console):
    question = f"\n{result.name}: {result.experiment.question}"
    console.print(question, style="bold", soft_wrap=True)
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
