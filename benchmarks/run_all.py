"""Run all benchmarks, and write tables and pictures.

    python benchmarks/run_all.py [--output DIR] [--repeats 5] [--only NAME ...] [--tiny] [--report]

Results of each benchmark are kept in DIR/raw, so that some can be run again, or at another time;
the report is always that of all that are there.
"""

import argparse

import digits_training
import files
import grid_memory
import layouts
import prediction
import search_mnist
import steps
import whole_fit
import xor_stack
from common import add_options, run, write_report

BENCHMARKS = {
    "files": files.cases,
    "digits_training": digits_training.cases,
    "whole_fit": whole_fit.cases,
    "steps": steps.cases,
    "layouts": layouts.cases,
    "prediction": prediction.cases,
    "search_mnist": search_mnist.cases,
    "xor_stack": xor_stack.cases,
    "grid_memory": grid_memory.cases,
}


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--report", action="store_true", help="run nothing, write the report anew")
    options = parser.parse_args()
    if options.report:
        write_report(options.output)
    else:
        run({name: BENCHMARKS[name] for name in options.only}, options)


if __name__ == "__main__":
    main()
