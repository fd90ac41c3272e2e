"""Run all benchmarks, and write tables and pictures.

    python benchmarks/run_all.py [--output DIR] [--repeats 5] [--only NAME ...] [--tiny] [--report]

Results of each benchmark are kept in DIR/raw, so that some can be run again, or at another time;
the report is always that of all that are there.
"""

import argparse
from importlib import import_module

from harness import add_options, run, write_report

NAMES = (
    "files",
    "digits_training",
    "whole_fit",
    "steps",
    "layouts",
    "prediction",
    "deployment",
    "search_mnist",
    "xor_stack",
    "grid_memory",
    "sparse_rows",
    "memory",
    "evolving",
)


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--report", action="store_true", help="run nothing, write the report anew")
    options = parser.parse_args()
    if options.report:
        write_report(options.output)
    else:
        run({name: import_module(name).cases for name in options.only}, options)


if __name__ == "__main__":
    main()
