"""`find` on tables of text, categories, dates and missing values, beside boosted trees.

    python benchmarks/mixed_tables.py [--output DIR] [--tables offers trips] [--rows N]
        [-- OPTIONS OF find]

The tables are made up, so that nothing is downloaded, and it is known what no model can know:
`offers`, 50,000 rows of text and numbers whose price is to be predicted, and `trips`, 300,000 rows
with dates, of which 3% of the values are missing, and which are to be told late or on time. Each is
written to DIR, `skticket find` runs on it as a process of its own, and `HistGradientBoosting` with
its defaults learns from the same training rows behind the same `TableVectorizer`, and behind one
that suits it.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skticket.cli._preparation import table_steps

_SHARE_MISSING = 0.03
_MATERIALS = "oak pine steel brass glass leather linen ceramic bamboo walnut".split()
_THINGS = "table chair lamp shelf desk mirror bench stool cabinet bed sofa rack".split()
_WORDS = "small large round folding antique modern handmade heavy light painted".split()


def make_offers(n_rows=50_000, seed=0):
    """Return a table of ten columns and the price of what is offered.

    Parameters
    ----------
    n_rows : int, default=50_000
        How many.
    seed : int, default=0
        Determines them.

    Returns
    -------
    DataFrame
        Its last column is `price`, whose logarithm has noise of a standard deviation of 0.15.
    """
    rng = np.random.default_rng(seed)
    material, thing = rng.choice(_MATERIALS, n_rows), rng.choice(_THINGS, n_rows)
    words = rng.choice(_WORDS, (n_rows, 2))
    seller = rng.integers(0, 400, n_rows)
    frame = pd.DataFrame(
        {
            "title": [" ".join(row) for row in zip(*words.T, material, thing)],
            "seller": [f"seller {number:03}" for number in seller],
            "condition": rng.choice(
                ["new", "good", "used", "worn"], n_rows, p=[0.2, 0.4, 0.3, 0.1]
            ),
            "country": rng.choice(["DE", "FR", "IT", "ES", "PL", "NL"], n_rows),
            "width": rng.gamma(8, 10, n_rows).round(1),
            "height": rng.gamma(8, 8, n_rows).round(1),
            "weight": rng.lognormal(2, 0.6, n_rows).round(2),
            "year": rng.integers(1950, 2025, n_rows),
            "reviews": rng.poisson(20, n_rows),
            "rating": rng.uniform(1, 5, n_rows).round(1),
        }
    )
    worth = dict(zip([*_MATERIALS, *_THINGS, *_WORDS], rng.normal(0, 0.3, 32)))
    state = frame["condition"].map({"new": 0.4, "good": 0.1, "used": -0.2, "worn": -0.6})
    age = 2025 - frame["year"]
    antique = (words == "antique").any(axis=1)
    signal = pd.Series(material).map(worth) + pd.Series(thing).map(worth) + state
    signal += pd.DataFrame(words).map(worth.get).sum(axis=1)
    signal += rng.normal(0, 0.2, 400)[seller] + 0.3 * np.log(
        frame["width"] * frame["height"] / 5000
    )
    signal += np.where(antique, 0.012, -0.006) * age + 0.1 * frame["rating"] * (
        frame["reviews"] > 20
    )
    price = 80 * np.exp(signal + rng.normal(0, 0.15, n_rows))
    return frame.assign(price=price.round(2))


def make_trips(n_rows=300_000, seed=0):
    """Return a table of trips, of which some values are missing, and whether each was late.

    Parameters
    ----------
    n_rows : int, default=300_000
        How many.
    seed : int, default=0
        Determines them.

    Returns
    -------
    DataFrame
        Its last column is `late`: "yes" or "no".
    """
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(
        rng.integers(0, 2 * 365 * 1440, n_rows), "m"
    )
    distance = rng.gamma(2, 4, n_rows)
    weather = rng.choice(["dry", "rain", "snow", "fog"], n_rows, p=[0.65, 0.25, 0.05, 0.05])
    kind = rng.choice(["bus", "tram", "train", "ferry", "taxi"], n_rows)
    stop = rng.integers(0, 120, n_rows)
    frame = pd.DataFrame(
        {
            "start": start.strftime("%Y-%m-%d %H:%M"),
            "serviced": (start - pd.to_timedelta(rng.integers(1, 400, n_rows), "D")).date,
            "distance": distance.round(2),
            "stops": rng.poisson(distance),
            "passengers": rng.poisson(15, n_rows),
            "temperature": rng.normal(10, 8, n_rows).round(1),
            "weather": weather,
            "kind": kind,
            "stop": [f"stop {number}" for number in stop],
        }
    )
    rush = np.isin(start.hour, [7, 8, 16, 17, 18]) & (start.day_of_week < 5)
    days = (start.normalize() - pd.to_datetime(frame["serviced"])).dt.days
    score = -2.5 + 1.6 * rush * (kind != "train") + 0.06 * frame["stops"]
    score += pd.Series(weather).map({"dry": 0, "rain": 0.5, "snow": 2, "fog": 0.8})
    score += (
        0.004 * days + rng.normal(0, 0.8, 120)[stop] - 0.03 * frame["temperature"].clip(upper=5)
    )
    late = rng.random(n_rows) < 1 / (1 + np.exp(-2 * score))
    frame = frame.mask(rng.random(frame.shape) < _SHARE_MISSING)
    return frame.assign(late=np.where(late, "yes", "no"))


TABLES = {
    "offers": (make_offers, "price", HistGradientBoostingRegressor),
    "trips": (make_trips, "late", HistGradientBoostingClassifier),
}


def boosted_trees(frame, target, model):
    """Return the trees' test scores, on the rows that `find` holds out, and seconds.

    Parameters
    ----------
    frame : DataFrame
        The table, as read from its file.
    target : str
        The column to predict.
    model : estimator
        The trees.

    Returns
    -------
    dict of str to dict
        By what prepares the columns: the very step that `find` has, or one with weekdays instead of
        smooth curves, and missing numbers as they are, which suits trees.
    """
    from skrub import DatetimeEncoder, TableVectorizer

    y = frame.pop(target)
    stratify = y if y.dtype.kind not in "if" else None
    split = train_test_split(frame, y, test_size=0.2, random_state=0, stratify=stratify)
    X_train, X_test, y_train, y_test = split
    tables = {
        "columns of find": table_steps(0)[0][1],
        "columns for trees": TableVectorizer(datetime=DatetimeEncoder(add_weekday=True)),
    }
    results = {}
    for name, table in tables.items():
        pipeline = make_pipeline(table, clone(model))
        start, work = time.perf_counter(), time.process_time()
        pipeline.fit(X_train, y_train)
        seconds, work = time.perf_counter() - start, time.process_time() - work
        score = pipeline.score(X_test, y_test)
        results[name] = {"score": score, "seconds": seconds, "processor": work}
    return results


def ticket(path, target, output, options):
    """Run `find`; return test scores of its rounds, and seconds.

    Parameters
    ----------
    path : Path
        The table.
    target : str
        The column to predict.
    output : Path
        Where it writes to.
    options : list of str
        More for it.
    """
    command = [sys.executable, "-m", "skticket", "find", str(path), "--target", target]
    start, work = time.perf_counter(), _work_of_children()
    subprocess.run([*command, "--output", str(output), *options], check=True)
    seconds, work = time.perf_counter() - start, _work_of_children() - work
    rounds = pd.read_csv(output / "rounds.csv")
    columns = ["round", "density", "test_score", "is_winning", "fit_time"]
    return {"rounds": rounds[columns].to_dict("list"), "seconds": seconds, "processor": work}


def _work_of_children():
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _times(result):
    return f"{result['seconds']:.0f} s ({result['processor']:.0f} s of the processor)"


def main(arguments=None):
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("results/mixed_tables"))
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--rows", type=int, help="instead of each table's own number")
    parser.add_argument("--make", action="store_true", help="only write the tables")
    options, rest = parser.parse_known_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.tables:
        make, target, model = TABLES[name]
        path = options.output / f"{name}.csv"
        (make(options.rows) if options.rows else make()).to_csv(path, index=False)
        if options.make:
            continue
        results = {
            "boosted trees": boosted_trees(pd.read_csv(path), target, model(random_state=0)),
            "ticket": ticket(path, target, options.output / name, [o for o in rest if o != "--"]),
        }
        (options.output / f"{name}.json").write_text(json.dumps(results, indent=1), "utf-8")
        for columns, trees in results["boosted trees"].items():
            print(f"{name}: boosted trees, {columns}: {trees['score']:.4f}, {_times(trees)}")
        found = results["ticket"]
        scores = ", ".join(f"{score:.4f}" for score in found["rounds"]["test_score"])
        print(f"{name}: rounds of find: {scores}, {_times(found)}")


if __name__ == "__main__":
    main()
