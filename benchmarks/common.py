"""What the benchmarks share: timing in turns, the machine, tables and pictures.

A benchmark is a module with `cases(settings)`, which yields one `Case` after another. A case has
contenders, which are measured in turns in one process, and claims about their ratios.
"""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from skticket.datasets import fetch_mnist
from skticket.utils import replacing

OURS = "skticket"
# Worker threads of the contender before spin for a while in wait of more; seconds.
_PAUSE = 0.02
# A figure is disturbed if other processes took more than this share of the processors' time. Two
# threads that wait for each other become several times slower when one of two cores is shared.
_TOLERANCE = 0.05
PACKAGES = (
    "torch",
    "numpy",
    "numba",
    "scikit-learn",
    "skorch",
    "lightning",
    "sparseprop",
    "onnxruntime",
)
# Units of times, in seconds; what is no time is given as it is.
UNITS = {"s": 1, "ms": 1e-3, "µs": 1e-6, "kB": 1}
# Okabe and Ito's colours, which the colour-blind can tell apart, and a marker each.
STYLES = (
    ("#0072B2", "o"),
    ("#D55E00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#E69F00", "v"),
    ("#56B4E9", "P"),
    ("#000000", "X"),
)


@dataclass(frozen=True)
class Settings:
    """How a benchmark is run.

    Parameters
    ----------
    repeats : int, default=5
        How often each contender is measured.
    tiny : bool, default=False
        Whether to run sizes that say nothing, to see that everything works.
    patience : float, default=0
        Seconds that a case may spend on waiting for other processes to be quiet, and on measuring
        again what they disturbed.
    """

    repeats: int = 5
    tiny: bool = False
    patience: float = 0

    def choose(self, full, tiny):
        """Return one of two sizes."""
        return tiny if self.tiny else full


@dataclass(frozen=True)
class Contender:
    """One way to do the work of a case.

    Parameters
    ----------
    name : str
        Who does it. Contenders of one name are variants, of which the fastest counts.
    run : callable or None
        Does the work; None where it cannot.
    variant : str, default=""
        What this variant is.
    work : float, default=1
        How many of what is timed a call does.
    threads : int or None, default=None
        Threads of torch, OpenMP and BLAS meanwhile; None leaves them alone.
    prepare : callable or None, default=None
        Called before each run, while no clock runs; its result is `run`'s argument.
    missing : str, default=""
        Why it cannot run.
    """

    name: str
    run: Callable | None
    variant: str = ""
    work: float = 1
    threads: int | None = None
    prepare: Callable | None = None
    missing: str = ""


@dataclass(frozen=True)
class Claim:
    """That one contender is so many times faster (or smaller) than the fastest of others.

    Parameters
    ----------
    baselines : tuple of str
        Names of the others.
    wanted : float or None, default=None
        At least how many times; None where nothing is promised.
    subject : str, default="skticket"
        Name of the contender.
    """

    baselines: tuple
    wanted: float | None = None
    subject: str = OURS


@dataclass
class Case:
    """What is compared.

    Parameters
    ----------
    name : str
        Describes it in a table.
    contenders : list of Contender
        Measured in turns, in this order.
    claims : list of Claim, default=()
        About their ratios.
    unit : {"s", "ms", "µs", "kB"}, default="ms"
        Of the figures; in kB they are what `run` returns, and no time.
    warm_up : int, default=1
        Rounds of turns that are not counted.
    """

    name: str
    contenders: list
    claims: list = field(default_factory=list)
    unit: str = "ms"
    warm_up: int = 1


def missing(package):
    """Say why a package cannot be imported; "" if it can."""
    try:
        importlib.import_module(package)
    except Exception as error:  # a broken build may raise anything
        return f"{type(error).__name__}: {error}"
    return ""


@contextmanager
def limit_threads(n_threads):
    """Hold torch, OpenMP and BLAS to some threads; None leaves them alone."""
    if n_threads is None:
        yield
        return
    before = torch.get_num_threads()
    with threadpool_limits(n_threads):
        torch.set_num_threads(n_threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def all_threads():
    """Numbers of threads to try: all cores, and one."""
    return sorted({torch.get_num_threads(), 1}, reverse=True)


def mnist(settings):
    """Return MNIST's training rows and test rows; random numbers where sizes are tiny."""
    if settings.tiny:
        rng = np.random.default_rng(0)
        X, y = rng.random((500, 784), np.float32), rng.integers(10, size=500)
        return X[:400], y[:400], X[400:], y[400:]
    X, y = fetch_mnist(return_X_y=True)
    X, y = np.ascontiguousarray(X, np.float32), np.asarray(y, np.int64)
    return X[:60_000], y[:60_000], X[60_000:], y[60_000:]


def times(n, function):
    """Return a function that calls another so many times."""

    def run():
        for _ in range(n):
            function()

    return run


def measure(benchmark, case, settings):
    """Measure the contenders of a case in turns.

    Parameters
    ----------
    benchmark : str
        Its name.
    case : Case
        What is compared.
    settings : Settings
        How often, and how patiently.

    Returns
    -------
    list of dict
        A row a figure: `benchmark`, `case`, `contender`, `variant`, `repeat`, `value`, `unit`, and
        the share of the processors' time that `others` took meanwhile.
    """
    # Sizes are the same whatever others do.
    rows, patience = [], Patience(0 if case.unit == "kB" else settings.patience)
    for repeat in range(-case.warm_up, settings.repeats):
        for contender in case.contenders:
            if contender.run is None:
                continue
            value, others = _measure_patiently(contender, case.unit, patience)
            if repeat >= 0:
                rows.append(
                    {
                        "benchmark": benchmark,
                        "case": case.name,
                        "contender": contender.name,
                        "variant": contender.variant,
                        "repeat": repeat,
                        "value": value,
                        "unit": case.unit,
                        "others": others,
                    }
                )
    return rows


class Patience:
    """Seconds that may still be lost to other processes.

    Parameters
    ----------
    seconds : float
        How many.
    """

    def __init__(self, seconds):
        self.left = seconds

    def wait(self):
        """Wait until other processes are quiet, or patience is at its end."""
        others = 1
        while self.left > 0 and others > _TOLERANCE:
            with Others() as elapsed:
                time.sleep(0.25)
            others = elapsed.share
            self.left -= 0.25


class Others:
    """Measure which share of the processors' time other processes take."""

    def __enter__(self):
        self.start, self.work = time.perf_counter(), _work()
        return self

    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self.start
        own, everyone = (after - before for before, after in zip(self.work, _work()))
        # Both clocks tick a hundred times a second.
        spent = max(everyone - own - 0.02, 0)
        self.share = spent / self.seconds / os.cpu_count()


def _work():
    """Seconds of processor time of this process and its children, and of the whole machine."""
    own = sum(os.times()[:4])
    stat = Path("/proc/stat")
    if not stat.exists():
        return own, own
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, stat.read_text().split()[1:11])
    everyone = user + nice + system + irq + softirq + steal
    return own, everyone / os.sysconf("SC_CLK_TCK")


def _measure_patiently(contender, unit, patience):
    """Return the least disturbed figure, and how disturbed it is."""
    best = None
    while best is None or (best[1] > _TOLERANCE and patience.left > 0):
        patience.wait()
        with Others() as elapsed:
            value = _measure_once(contender, unit)
        if best is None or elapsed.share < best[1]:
            best = value, elapsed.share
        if elapsed.share > _TOLERANCE:
            patience.left -= elapsed.seconds
    return best


def _measure_once(contender, unit):
    arguments = () if contender.prepare is None else (contender.prepare(),)
    time.sleep(_PAUSE)
    with limit_threads(contender.threads):
        start = time.perf_counter()
        result = contender.run(*arguments)
        seconds = time.perf_counter() - start
    return (result if unit == "kB" else seconds) / contender.work / UNITS[unit]


def summarize(rows):
    """Return median, least and greatest figure of each variant of each contender.

    Parameters
    ----------
    rows : list of dict
        From `measure`.

    Returns
    -------
    pandas.DataFrame
    """
    keys = ["benchmark", "case", "contender", "variant", "unit"]
    grouped = pd.DataFrame(rows).groupby(keys, sort=False)["value"]
    return grouped.agg(["median", "min", "max", "count"]).reset_index()


def judge(benchmark, case, rows):
    """Compare the contenders of a case, and say which claims hold.

    A ratio is that of medians; its range is that of the ratios of each repeat. Of several
    variants, and of several baselines, the one with the smallest median counts.

    Parameters
    ----------
    benchmark : str
        Its name.
    case : Case
        What was compared.
    rows : list of dict
        Its figures, from `measure`.

    Returns
    -------
    list of dict
        A row a claim.
    """
    values = {}
    for row in sorted(rows, key=lambda row: row["repeat"]):
        values.setdefault((row["contender"], row["variant"]), []).append(row["value"])
    reasons = {c.name: c.missing for c in case.contenders if c.missing}
    judged = []
    for claim in case.claims:
        row = {"benchmark": benchmark, "case": case.name, "subject": claim.subject}
        row |= {"against": " or ".join(claim.baselines), "wanted": claim.wanted}
        subject = _fastest(values, (claim.subject,))
        baseline = _fastest(values, claim.baselines)
        if subject is None or baseline is None:
            absent = [name for name in (claim.subject, *claim.baselines) if name in reasons]
            row["missing"] = "; ".join(f"{name}: {reasons[name]}" for name in absent)
        else:
            ratios = [b / s for b, s in zip(values[baseline], values[subject])]
            ratio = statistics.median(values[baseline]) / statistics.median(values[subject])
            row |= {"baseline": _label(*baseline), "ratio": ratio}
            row |= {"least": min(ratios), "most": max(ratios)}
            row["met"] = None if claim.wanted is None else ratio >= claim.wanted
        judged.append(row)
    return judged


def _fastest(values, names):
    candidates = [key for key in values if key[0] in names]
    return min(candidates, key=lambda key: statistics.median(values[key]), default=None)


def _label(name, variant):
    return f"{name} ({variant})" if variant else name


def about():
    """Return what the machine and the versions are, as a dict."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "versions": {"Python": platform.python_version()} | _versions(),
    }


def _versions():
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _commit():
    """The commit that is timed, with a plus behind it if the package was changed since."""
    here = Path(__file__).parent
    try:
        commit = _git("rev-parse", "--short=10", "HEAD", cwd=here)
        changed = _git("status", "--porcelain", "--", "../skticket", cwd=here)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(*arguments, cwd):
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


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
    rows = [*earlier, *_renumber(measure(benchmark, case, settings), earlier)]
    facts["seconds"] = round(time.perf_counter() - start)
    claims = judge(benchmark, case, rows)
    for claim in claims:
        print(f"{benchmark} | {case.name} | {describe(claim)}", flush=True)
    return {
        "benchmark": benchmark,
        "case": case.name,
        "about": facts,
        "rows": rows,
        "claims": claims,
    }


def _renumber(rows, earlier):
    first = max((row["repeat"] for row in earlier), default=-1) + 1
    return [row | {"repeat": row["repeat"] + first} for row in rows]


def describe(claim):
    """Return the outcome of a claim as a line of text."""
    if "missing" in claim:
        return f"{claim['against']}: MISSING ({claim['missing']})"
    text = (
        f"{claim['subject']} {claim['ratio']:.2f} [{claim['least']:.2f} to {claim['most']:.2f}] "
        f"times faster than {claim['baseline']}"
    )
    return text + (f", {_verdict(claim)}" if claim["wanted"] else "")


def _verdict(claim):
    if claim["met"] is None:
        return ""
    return f"wanted {claim['wanted']:.2f}: " + ("met" if claim["met"] else "MISSED")


def write_report(folder):
    """Write tables and pictures of all results in a folder.

    Parameters
    ----------
    folder : Path
        Holds `raw/NAME-NUMBER.json` for each case that was run. There will be `times.csv` (every
        figure), `table.csv` (medians), `claims.csv`, `table.md` and `benchmark_NAME.png`.
    """
    results = [json.loads(path.read_text()) for path in sorted((folder / "raw").glob("*.json"))]
    rows = [row for result in results for row in result["rows"]]
    claims = [claim for result in results for claim in result["claims"]]
    for name, frame in {
        "times": pd.DataFrame(rows),
        "table": summarize(rows),
        "claims": pd.DataFrame(claims),
    }.items():
        with replacing(folder / f"{name}.csv") as temporary:
            frame.to_csv(temporary, index=False, float_format="%.5g")
    with replacing(folder / "table.md") as temporary:
        temporary.write_text(markdown(results))
    for name in dict.fromkeys(row["benchmark"] for row in rows):
        with replacing(folder / f"benchmark_{name}.png") as temporary:
            draw_times([row for row in rows if row["benchmark"] == name]).savefig(
                temporary, dpi=110
            )
    if any(claim.get("wanted") and "ratio" in claim for claim in claims):
        with replacing(folder / "benchmark_ratios.png") as temporary:
            draw_ratios(claims).savefig(temporary, dpi=110)


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
        disturbed = sum(row["others"] > _TOLERANCE for row in rows)
        yield (
            f"{len(members)} case(s), from {members[0]['about']['date']}, {key}; {disturbed} of "
            f"{len(rows)} figures disturbed by other processes."
        )


def _claims_table(claims):
    if not claims:
        return []
    lines = [
        "| case | times faster (range) | than | wanted | |",
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
        label = _label(row["contender"], row["variant"])
        figures = [f"{row[name]:,.4g}" for name in ("median", "min", "max")]
        lines.append("| " + " | ".join([row["case"], label, *figures, row["unit"]]) + " |")
    return [*lines, ""]


def draw_times(rows):
    """Draw the fastest variant of each contender of each case: median, least and greatest."""
    table = summarize(rows)
    fastest = table.loc[table.groupby(["case", "contender"], sort=False)["median"].idxmin()]
    cases = list(dict.fromkeys(table["case"]))
    figure = Figure(figsize=(8, 1.6 + 0.34 * len(cases)), layout="constrained")
    ax = figure.subplots()
    names = list(dict.fromkeys(table["contender"]))
    for number, name in enumerate([*[n for n in names if n == OURS], *_without(names, OURS)]):
        color, marker = STYLES[number % len(STYLES)]
        rows = fastest[fastest["contender"] == name]
        median = rows["median"].to_numpy()
        ax.errorbar(
            median,
            [-cases.index(case) for case in rows["case"]],
            xerr=[median - rows["min"], rows["max"] - median],
            fmt=marker,
            color=color,
            markersize=5,
            capsize=2,
            label=name,
        )
    ax.set_yticks(-np.arange(len(cases)), cases)
    ax.set_ylim(0.6 - len(cases), 0.6)
    _set_log_axis(ax)
    unit = table["unit"].iloc[0]
    ax.set_xlabel("size of the file in kB" if unit == "kB" else f"time in {unit}")
    ax.set_title(f"{table['benchmark'].iloc[0]}: median, least and greatest", loc="left")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def _without(names, name):
    return [other for other in names if other != name]


def draw_ratios(claims):
    """Draw each ratio of which something is wanted, beside what is wanted."""
    claims = [claim for claim in claims if claim.get("wanted") and "ratio" in claim]
    figure = Figure(figsize=(9.5, 1.2 + 0.24 * len(claims)), layout="constrained")
    ax = figure.subplots()
    for met, color, label in ((True, "#0072B2", "measured"), (False, "#D55E00", "below wanted")):
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
        ax.errorbar(ratio, places, xerr=error, fmt="o", color=color, capsize=2, label=label)
    wanted = [claim["wanted"] for claim in claims]
    ax.plot(wanted, -np.arange(len(claims)), "|", color="black", markersize=10, label="wanted")
    labels = [_title(claim) for claim in claims]
    ax.set_yticks(-np.arange(len(claims)), labels, fontsize=7)
    ax.set_ylim(0.6 - len(claims), 0.6)
    ax.axvline(1, color="#999999", linewidth=0.8)
    _set_log_axis(ax)
    ax.set_xlabel("times faster (files: smaller) than baseline")
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
    for name, cases in benchmarks.items():
        for number, case in enumerate(cases(settings)):
            if options.cases not in case.name:
                continue
            path = options.output / "raw" / f"{name}-{number:02}.json"
            earlier = json.loads(path.read_text())["rows"] if options.more and path.exists() else []
            result = run_case(name, case, settings, earlier)
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(result, indent=1))
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
