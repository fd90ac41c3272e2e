"""Whether the features that a ticket keeps are those that matter."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter, StrMethodFormatter
from sklearn.datasets import load_breast_cancer, load_wine, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ...datasets import load_digits
from ...estimators import WinningTicketClassifier
from ...inspection import looks_of
from ...transformers import TicketSelector
from ...utils import Stream, derive_seed
from .._claims import Claim, Interval, no_lower
from .._images import load_images
from ._study import Study

_TICKET, _SELECTOR, _ALL = "ticket", "TicketSelector", "all features"
_FOREST, _UNIVARIATE, _LASSO = "random forest", "SelectKBest", "L1 logistic regression"
# How many features are taken, of those that are known to matter, or are the table's own.
_SHARES = (0.25, 0.5, 1.0)
# Of the logistic regression: many coefficients are 0.
_C = 0.1
_REAL = {"breast cancer": load_breast_cancer, "wine": load_wine, "digits": load_digits}
_TABLES = ("made up", "like Madelon", *_REAL)
_DATASET = "tables"


def _load(dataset, seed):
    if dataset not in (_DATASET, *_TABLES):
        raise ValueError(
            f"dataset must be {_DATASET!r} for all, or one of {', '.join(map(repr, _TABLES))}; got "
            f"{dataset!r}"
        )
    return replace(load_images("digits", seed), name=dataset)


def _made_up(seed, **options):
    """Return a table, and which of its features matter."""
    X, y = make_classification(shuffle=False, random_state=seed, **options)
    matters = np.arange(X.shape[1]) < options["n_informative"] + options["n_redundant"]
    return X, y, matters


def _with_probes(X, y, rng):
    """Return a real table beside its own columns in another order each, which cannot matter."""
    probes = rng.permuted(X, axis=0)
    return np.hstack([X, probes]), y, np.arange(2 * X.shape[1]) < X.shape[1]


def _load_table(name, seed):
    """Return `X`, `y`, and which features are not known to be of no use."""
    if name == "made up":
        return _made_up(seed, n_samples=1500, n_features=100, n_informative=10, n_redundant=0)
    if name == "like Madelon":
        # Of the challenge of 2003: clusters on the vertices of a cube of five dimensions.
        clusters = {"n_clusters_per_class": 16, "class_sep": 2.0}
        sizes = {"n_samples": 2600, "n_features": 500, "n_informative": 5, "n_redundant": 15}
        return _made_up(seed, **sizes, **clusters)
    return _with_probes(*_REAL[name](return_X_y=True), np.random.default_rng(seed))


def _scores(clf, X, y, seed):
    """Return each method's scores of the features."""
    forest = RandomForestClassifier(300, random_state=seed).fit(X, y)
    lasso = LogisticRegression(
        C=_C, l1_ratio=1, solver="saga", tol=1e-3, max_iter=2000, random_state=seed
    ).fit(X, y)
    return {
        _TICKET: clf.feature_importances_,
        _FOREST: forest.feature_importances_,
        _UNIVARIATE: f_classif(X, y)[0],
        _LASSO: np.abs(lasso.coef_).sum(axis=0),
    }


def _choices(scores, matters):
    """Yield each method, a share and the positions of the features that it ranks highest."""
    for method, values in scores.items():
        order = np.argsort(-values, kind="stable")
        for share in _SHARES:
            yield method, share, order[: max(1, round(share * matters.sum()))]


def compare_features(tables, seed, rounds, memory=None, others=None):
    """Choose features of tables by each method, and learn from them alone.

    Parameters
    ----------
    tables : sequence of {"made up", "like Madelon", "breast cancer", "wine", "digits"}
        Which.
    seed : int
        Determines the tables, their splits, and the methods.
    rounds : int
        How many times tickets are pruned.
    memory : str, path-like, joblib.Memory or None, default=None
        As in `WinningTicketClassifier`.
    others : dict of str to callable or None, default=None
        More methods: each takes the training rows, their labels and a seed, and returns a score a
        feature.

    Returns
    -------
    DataFrame
        A row a choice, with columns `table`, `method`, `share` (of the number of features that are
        not known to be of no use; missing where the method itself says how many), `n_features`,
        `false` (the share of those chosen that are known to be of no use) and `test_score` (of a
        support vector machine).
    """
    rows = []
    for name in tables:
        X, y, matters = _load_table(name, seed)
        X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
        varied = np.ptp(X, axis=0) > 0
        X, X_test, matters = X[:, varied], X_test[:, varied], matters[varied]
        scaler = StandardScaler().fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
        clf = WinningTicketClassifier(rounds=rounds, memory=memory, random_state=seed).fit(X, y)
        scores = _scores(clf, X, y, seed)
        scores |= {name: score(X, y, seed) for name, score in (others or {}).items()}
        kept = TicketSelector(clf, prefit=True).fit(X, y).get_support(indices=True)
        choices = [
            *_choices(scores, matters),
            (_SELECTOR, np.nan, kept),
            (_ALL, np.nan, np.arange(X.shape[1])),
        ]
        rows += [
            {
                "table": name,
                "method": method,
                "share": share,
                "n_features": len(chosen),
                "false": 1 - matters[chosen].mean(),
                "test_score": SVC().fit(X[:, chosen], y).score(X_test[:, chosen], y_test),
            }
            for method, share, chosen in choices
        ]
    return pd.DataFrame(rows)


def _measure(laboratory, trial):
    tables = _TABLES if laboratory.images.name == _DATASET else [laboratory.images.name]
    seed = derive_seed(laboratory.seed, Stream.TRIAL, trial) % 2**31
    return compare_features(tables, seed, laboratory.protocol.rounds, laboratory.memory)


def _claims(table):
    claims = []
    for name in table["table"].unique():
        rows = table[table["table"] == name]
        of = {
            (method, share): found.set_index("trial")
            for (method, share), found in rows.groupby(["method", "share"])
        }
        ticket = of[_TICKET, 1.0]["false"]
        for other in (_FOREST, _UNIVARIATE, _LASSO):
            theirs = of[other, 1.0]["false"]
            interval = Interval.of(100 * (ticket - theirs))
            claims.append(
                Claim(
                    f"{name}: of as many features as matter, fewer of a ticket's choice are of no "
                    f"use than of that by {other}",
                    interval.below(0),
                    f"{100 * ticket.mean():.1f}% against {100 * theirs.mean():.1f}%; difference "
                    f"{interval.text('{:+.1f}', ' points')}",
                )
            )
        claims.append(
            no_lower(
                f"{name}: with half as many features as matter, those of a ticket give as "
                f"accurate a support vector machine as those of a {_FOREST}",
                of[_TICKET, 0.5],
                of[_FOREST, 0.5],
            )
        )
    return claims


def _plot(table):
    """Draw, for each table, accuracy and false discoveries against the number of features."""
    names = list(table["table"].unique())
    figure, axes = plt.subplots(
        2,
        len(names),
        figsize=(max(2.9 * len(names), 7), 5.2),
        layout="constrained",
        sharex="col",
        squeeze=False,
    )
    methods = list(table["method"].unique())
    looks = looks_of(methods)
    for column, name in zip(axes.T, names, strict=True):
        rows = table[table["table"] == name]
        for ax, quantity in zip(column, ("test_score", "false"), strict=True):
            for method in methods:
                means = rows[rows["method"] == method].groupby("share", dropna=False)
                means = means[["n_features", quantity]].mean()
                options = {"color": looks[method].color, "marker": looks[method].marker}
                ax.plot(means["n_features"], means[quantity], label=method, **options)
            ax.set_xscale("log")
            counts = rows[rows["method"].isin([_TICKET, _ALL])]
            ticks = counts.groupby("share", dropna=False)["n_features"].median()
            ax.xaxis.set_major_locator(FixedLocator(ticks))
            ax.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.spines[["top", "right"]].set_visible(False)
        column[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        column[0].set_title(name, fontsize="medium")
        column[1].set_xlabel("features")
    axes[0, 0].set_ylabel("test accuracy")
    axes[1, 0].set_ylabel("of no use among them")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


FEATURES = Study(
    name="features",
    question="Are the features that a ticket keeps those that matter?",
    paper="Guyon et al., Result Analysis of the NIPS 2003 Feature Selection Challenge, NIPS 2004; "
    "Lemhadri et al., LassoNet: A Neural Network with Feature Sparsity, JMLR 2021",
    measure=_measure,
    claims=_claims,
    pictures={"": _plot},
    caption="Accuracy of a support vector machine on the features that each method ranks highest, "
    "and how many of those are known to be of no use: noise in tables made up, columns of real "
    "ones in another order. Tickets are what WinningTicketClassifier finds by its defaults. Means "
    "of the trials.",
    load=_load,
    dataset=_DATASET,
    settings={
        "images": "tables of 124 to 1,820 rows to train, three tenths more to test",
        "network": "300-100",
        "training": "WinningTicketClassifier's defaults",
    },
)
