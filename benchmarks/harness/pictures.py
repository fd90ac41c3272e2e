"""Pictures of times and ratios."""

import math

import numpy as np
from matplotlib.figure import Figure

from skticket.inspection import looks_of

from .cases import OURS, summarize


def draw_times(rows):
    """Draw the fastest variant of each contender of each case: median, least and greatest."""
    table = summarize(rows)
    fastest = table.loc[table.groupby(["case", "contender"], sort=False)["median"].idxmin()]
    cases = list(dict.fromkeys(table["case"]))
    figure = Figure(figsize=(8, 1.6 + 0.34 * len(cases)), layout="constrained")
    ax = figure.subplots()
    names = list(dict.fromkeys(table["contender"]))
    looks = looks_of(sorted(names, key=lambda name: name != OURS))
    for name, look in looks.items():
        rows = fastest[fastest["contender"] == name]
        median = rows["median"].to_numpy()
        ax.errorbar(
            median,
            [-cases.index(case) for case in rows["case"]],
            xerr=[median - rows["min"], rows["max"] - median],
            fmt=look.marker,
            color=look.color,
            markersize=5,
            capsize=2,
            label=name,
        )
    ax.set_yticks(-np.arange(len(cases)), cases)
    ax.set_ylim(0.6 - len(cases), 0.6)
    _set_log_axis(ax)
    unit = table["unit"].iloc[0]
    ax.set_xlabel("kB" if unit == "kB" else f"time in {unit}")
    ax.set_title(f"{table['benchmark'].iloc[0]}: median, least and greatest", loc="left")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def draw_ratios(claims):
    """Draw each ratio of which something is wanted, beside what is wanted."""
    claims = [claim for claim in claims if claim.get("wanted") and "ratio" in claim]
    figure = Figure(figsize=(9.5, 1.2 + 0.24 * len(claims)), layout="constrained")
    ax = figure.subplots()
    for met, face, label in ((True, "black", "measured"), (False, "white", "below wanted")):
        chosen = [(-k, claim) for k, claim in enumerate(claims) if claim["met"] == met]
        if not chosen:
            continue
        places, rows = zip(*chosen, strict=True)
        ratio = np.array([row["ratio"] for row in rows])
        # The ratio of medians need not lie between those of the repeats.
        error = [
            np.maximum(ratio - [row["least"] for row in rows], 0),
            np.maximum([row["most"] for row in rows] - ratio, 0),
        ]
        options = {"color": "black", "markerfacecolor": face, "capsize": 2, "label": label}
        ax.errorbar(ratio, places, xerr=error, fmt="o", **options)
    wanted = [claim["wanted"] for claim in claims]
    ax.plot(wanted, -np.arange(len(claims)), "|", color="black", markersize=10, label="wanted")
    labels = [_title(claim) for claim in claims]
    ax.set_yticks(-np.arange(len(claims)), labels, fontsize=7)
    ax.set_ylim(0.6 - len(claims), 0.6)
    ax.axvline(1, color="#999999", linewidth=0.8)
    _set_log_axis(ax)
    ax.set_xlabel("times faster (kB: smaller) than baseline")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def _title(claim):
    # The other baselines are only other ways to run the first.
    baseline = claim["against"].partition(" or ")[0] if claim["subject"] == OURS else "the better"
    return f"{claim['benchmark']}: {claim['case']}, against {baseline}"


def _set_log_axis(ax):
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    # Labels of more than about seven ticks would touch each other.
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [d * 10.0**e for e in range(-4, 8) for d in digits if low <= d * 10.0**e <= high]
        if len(ticks) <= 7:
            break
    ax.set_xticks(ticks)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_minor_formatter(lambda value, _: "")
    if math.isfinite(low):
        ax.set_xlim(low, high)
    ax.grid(axis="y", color="#dddddd", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
