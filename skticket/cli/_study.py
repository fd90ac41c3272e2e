"""`skticket study`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ._errors import one_line_errors
from ._experiments import Cluster, Device, Format, Iterations, Jobs, Seed, run_experiments
from ._output import DATASET_HELP, make_console, output_folder
from ._parsing import FORMATS, STUDIES, STUDY_PRESETS, choice, one_of, several_of


def study(
    name: Annotated[
        str,
        typer.Argument(help=f'One of: {", ".join(STUDIES)}. "list" tells the question of each.'),
    ],
    preset: Annotated[
        str,
        choice(
            STUDY_PRESETS,
            "Long trainings of five trials; shorter ones, under ten minutes on two processors; or "
            "a trifle.",
        ),
    ] = "quick",
    dataset: Annotated[
        str, typer.Option(help=f"{DATASET_HELP} By default what the study is about.")
    ] = None,
    trials: Annotated[int, typer.Option(help="Repetitions; the preset's by default.")] = None,
    rounds: Annotated[int, typer.Option(help="Prunings at 20%; the preset's by default.")] = None,
    iterations: Iterations = None,
    jobs: Jobs = -1,
    cluster: Cluster = None,
    seed: Seed = 0,
    device: Device = "cpu",
    format: Format = "png",
    output: Annotated[
        Path,
        typer.Option(help="Folder for tables, pictures and reports, and the trained networks."),
    ] = Path("results/study"),
) -> None:
    """Ask again what later papers asked of tickets. Kill it at any time; it goes on."""
    with one_line_errors():
        one_of("NAME", name, STUDIES)
        if name == "list":
            _list()
            return
        settings = {
            "preset": one_of("--preset", preset, STUDY_PRESETS),
            "trials": trials,
            "rounds": rounds,
            "iterations": iterations,
            "seed": seed,
            "device": device,
        }
        formats = several_of("--format", format, FORMATS)
        with output_folder(output):
            for chosen in STUDIES[2:] if name == "all" else [name]:
                _run(chosen, dataset, settings, jobs, cluster, formats, output)


def _list():
    from ..experiments import study

    console = make_console()
    for found in study.STUDIES.values():
        console.print(f"{found.name}: {found.question} ({found.paper})", soft_wrap=True)


def _run(name, dataset, settings, jobs, cluster, formats, output):
    from ..experiments import Laboratory, study

    chosen = study.STUDIES[name]
    laboratory = Laboratory.open(
        **settings | {"preset": study.PRESETS[settings["preset"]]},
        dataset=dataset or chosen.dataset,
        load=chosen.load,
        jobs=jobs,
        memory=output.absolute() / "networks",
    )
    run_experiments(
        [chosen],
        laboratory,
        output,
        formats,
        unit="trials",
        total=laboratory.protocol.trials,
        write_report=partial(study.write_report, prefix=f"{name}-"),
        settings=settings,
        cluster=cluster,
    )
