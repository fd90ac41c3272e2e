"""The command line of a benchmark."""

import argparse
import json
import sys
import time
from pathlib import Path

from skticket.utils import replacing

from .cases import Settings, describe, judge
from .clock import measure
from .machine import about
from .report import write_report


def run_case(benchmark, case, settings, earlier=()):
    """Measure a case, and judge its claims.

    Parameters
    ----------
    benchmark : str
        Its name.
    case : Case
        What is compared.
    settings : Settings
        How to measure.
    earlier : list of dict, default=()
        Figures of this case to which more are to be added.

    Returns
    -------
    dict
        Ready for JSON: `benchmark`, `case`, `about` (machine and versions), `rows` (from `measure`)
        and `claims` (from `judge`).
    """
    facts, start = about(), time.perf_counter()
    first = max((row["repeat"] for row in earlier), default=-1) + 1
    measured = measure(benchmark, case, settings)
    rows = [*earlier, *(row | {"repeat": row["repeat"] + first} for row in measured)]
    facts["seconds"] = round(time.perf_counter() - start)
    claims = judge(benchmark, case, rows)
    for claim in claims:
        print(f"{benchmark} | {case.name} | {describe(claim)}", flush=True)
    result = {"benchmark": benchmark, "case": case.name, "about": facts}
    return result | {"rows": rows, "claims": claims}


def add_options(parser):
    """Add the options that every benchmark has to a parser."""
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--patience",
        type=float,
        default=0,
        help="seconds a case may wait for other processes to be quiet, or repeat what they disturb",
    )
    parser.add_argument("--cases", default="", help="only those with this text in their names")
    parser.add_argument("--more", action="store_true", help="add to the figures that are there")
    parser.add_argument("--tiny", action="store_true", help="sizes that say nothing, as a test")


def run(benchmarks, options):
    """Run benchmarks, keep each one's results, and write the report of all in the folder.

    Parameters
    ----------
    benchmarks : dict of str to callable
        Names, and what gives the cases.
    options : argparse.Namespace
        With the options of `add_options`.
    """
    settings = Settings(options.repeats, options.tiny, options.patience)
    passed_over, measured = [], False
    for name, cases in benchmarks.items():
        for number, case in enumerate(cases(settings)):
            if options.cases not in case.name:
                passed_over.append(f"{name}: {case.name}")
                continue
            measured = True
            path = options.output / "raw" / f"{name}-{number:02}.json"
            earlier = (
                json.loads(path.read_text("utf-8"))["rows"]
                if options.more and path.exists()
                else []
            )
            result = run_case(name, case, settings, earlier)
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(result, indent=1), "utf-8")
    if not measured:
        there = "; ".join(passed_over)
        print(f"no case has {options.cases!r} in its name; there are {there}", file=sys.stderr)
        raise SystemExit(2)
    write_report(options.output)
    print(f"wrote {options.output / 'table.md'}")


def options_of(description, arguments=None):
    """Return the options of a command that runs one benchmark."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    add_options(parser)
    return parser.parse_args(arguments)


def main(name, cases, description):
    """Run one benchmark as a command."""
    run({name: cases}, options_of(description))
