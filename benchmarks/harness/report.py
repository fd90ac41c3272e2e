"""The report: tables and pictures of all results that are kept in a folder."""

import json

import pandas as pd

from skticket.inspection import save_figure
from skticket.utils import replacing

from .cases import OURS, label, summarize
from .clock import TOLERANCE
from .pictures import draw_ratios, draw_times


def write_report(folder):
    """Write tables and pictures of all results in a folder.

    Parameters
    ----------
    folder : Path
        Holds `raw/NAME-NUMBER.json` for each case that was run. There will be `times.csv` (every
        figure), `table.csv` (medians), `claims.csv`, `table.md` and `benchmark_NAME.png`.
    """
    results = [
        json.loads(path.read_text("utf-8")) for path in sorted((folder / "raw").glob("*.json"))
    ]
    rows = [row for result in results for row in result["rows"]]
    claims = [claim | _circumstances(result) for result in results for claim in result["claims"]]
    for name, frame in {
        "times": pd.DataFrame(rows),
        "table": summarize(rows),
        "claims": pd.DataFrame(claims),
    }.items():
        with replacing(folder / f"{name}.csv") as temporary:
            frame.to_csv(temporary, index=False, float_format="%.5g")
    with replacing(folder / "table.md") as temporary:
        temporary.write_text(markdown(results), "utf-8")
    for name in dict.fromkeys(row["benchmark"] for row in rows):
        figure = draw_times([row for row in rows if row["benchmark"] == name])
        with replacing(folder / f"benchmark_{name}.png") as temporary:
            save_figure(figure, temporary)
    if any(claim.get("wanted") and "ratio" in claim for claim in claims):
        with replacing(folder / "benchmark_ratios.png") as temporary:
            save_figure(draw_ratios(claims), temporary)


def _circumstances(result):
    """When, where and of which commit a case was measured, and how much of it was disturbed."""
    facts = {name: result["about"][name] for name in ("date", "commit", "processor", "cores")}
    others = [row["others"] for row in result["rows"]]
    return facts | {"figures": len(others), "disturbed": sum(share > TOLERANCE for share in others)}


def markdown(results):
    """Return the tables of all results, a section a benchmark."""
    lines = ["# Benchmarks", ""]
    for name in dict.fromkeys(result["benchmark"] for result in results):
        chosen = [result for result in results if result["benchmark"] == name]
        lines += [f"## {name}", "", *_about_lines(chosen), ""]
        lines += _claims_table([claim for result in chosen for claim in result["claims"]])
        lines += _times_table(summarize([row for result in chosen for row in result["rows"]]))
    return "\n".join(lines)


def _about_lines(results):
    """A line for each commit, machine and set of versions that was measured."""
    groups = {}
    for result in results:
        facts = result["about"]
        versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        key = f"commit {facts['commit']}; {facts['processor']}, {facts['cores']} cores; {versions}"
        groups.setdefault(key, []).append(result)
    for key, members in groups.items():
        rows = [row for member in members for row in member["rows"]]
        disturbed = sum(row["others"] > TOLERANCE for row in rows)
        yield (
            f"{len(members)} case(s), from {members[0]['about']['date']}, {key}; {disturbed} of "
            f"{len(rows)} figures disturbed by other processes."
        )


def _claims_table(claims):
    if not claims:
        return []
    lines = [
        "| case | times faster, or smaller (range) | than | wanted | |",
        "| --- | ---: | --- | ---: | --- |",
    ]
    for claim in claims:
        wanted = f"{claim['wanted']:.2f}" if claim["wanted"] else ""
        if "missing" in claim:
            cells = ["", claim["against"], wanted, f"missing: {claim['missing']}"]
        else:
            outcome = {True: "met", False: "**missed**", None: ""}[claim["met"]]
            ratio = f"{claim['ratio']:.2f} ({claim['least']:.2f} to {claim['most']:.2f})"
            cells = [ratio, claim["baseline"], wanted, outcome]
        subject = "" if claim["subject"] == OURS else f": {claim['subject']}"
        lines.append("| " + " | ".join([claim["case"] + subject, *cells]) + " |")
    return [*lines, ""]


def _times_table(table):
    lines = [
        "| case | contender | median | least | greatest | |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for row in table.to_dict("records"):
        figures = [f"{row[name]:,.4g}" for name in ("median", "min", "max")]
        cells = [row["case"], label(row["contender"], row["variant"]), *figures, row["unit"]]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]
