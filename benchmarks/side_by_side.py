"""Write what several machines recorded as one table: how many times faster, a column a machine.

    python benchmarks/side_by_side.py [FOLDER ...] [--only NAME ...]

A FOLDER holds the `claims.csv` of a run of `run_all.py`; those that are kept in benchmarks/results.
Figures of cases during which other processes disturbed more than a quarter of all figures are
marked by a tilde.
"""

import argparse
from pathlib import Path

import pandas as pd

RECORDED = [Path(__file__).parent / "results" / name for name in ("amd", "intel")]


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, default=RECORDED)
    parser.add_argument("--only", nargs="+")
    options = parser.parse_args()
    claims = pd.concat([pd.read_csv(folder / "claims.csv") for folder in options.folders])
    print(
        markdown(claims if options.only is None else claims[claims["benchmark"].isin(options.only)])
    )


def markdown(claims):
    """Return a table a benchmark, and where and when each of its columns was recorded."""
    lines = []
    for name, rows in claims.groupby("benchmark", sort=False):
        lines += [f"## {name}", ""]
        for processor, own in rows.groupby("processor", sort=False):
            commits = ", ".join(dict.fromkeys(own["commit"].str[:7]))
            lines.append(f"{processor}: {own['date'].max()[:10]}, commit {commits}.")
        lines += ["", *_table(rows), ""]
    return "\n".join(lines)


def _table(claims):
    processors = list(dict.fromkeys(claims["processor"]))
    yield "| what | than | " + " | ".join(processors) + " |"
    yield "| --- | --- |" + " ---: |" * len(processors)
    for (case, subject, against), rows in claims.groupby(
        ["case", "subject", "against"], sort=False
    ):
        cells = {row.processor: _figure(row) for row in rows.itertuples()}
        what = case if subject == "skticket" else f"{case}: {subject}"
        yield (
            "| " + " | ".join([what, against, *(cells.get(name, "") for name in processors)]) + " |"
        )


def _figure(claim):
    if pd.isna(claim.ratio):
        return ""
    mark = "~" if claim.disturbed > claim.figures / 4 else ""
    return f"{mark}**{claim.ratio:.2f}** ({claim.least:.2f} to {claim.most:.2f})"


if __name__ == "__main__":
    main()
