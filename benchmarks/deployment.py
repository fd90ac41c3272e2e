"""A ticket where it would be used: sizes of files, one row and 10,000 rows through onnxruntime.

    python benchmarks/deployment.py [--help]

784-300-100-10 on MNIST, pruned at once: single weights to a density of 0.036 and 0.01, and whole
hidden units to a tenth of them. Each is beside the full network of the same search. onnxruntime
runs the graphs that `skticket.export` makes, on one thread and on all; skticket is the estimator's
`predict`, checks included.
"""

import tempfile
from pathlib import Path

import joblib
import numpy as np
from harness import OURS, Case, Claim, Contender, all_threads, main, mnist, times

from skticket import WinningTicketClassifier
from skticket.estimators import each_round

SIZES = (300, 100)
# Strategy, and rounds of pruning by a fifth.
PRUNED = {
    "weights, density 0.036": ("magnitude", 15),
    "weights, density 0.01": ("magnitude", 21),
    "units, a tenth of them": ("unit_product", 10),
}
TICKET, FULL = "ticket's graph", "full network's graph"


def cases(settings):
    """Yield sizes, one row and many, for each way to prune."""
    X, X_test, y, _ = mnist(settings)
    X, y = X[: settings.choose(8000, 500)], y[: settings.choose(8000, 500)]
    for name, (strategy, rounds) in settings.choose(PRUNED, dict([*PRUNED.items()][:1])).items():
        clf = WinningTicketClassifier(
            SIZES,
            strategy=strategy,
            rounds=rounds,
            schedule="one-shot",
            max_epochs=settings.choose(5, 1),
            random_state=0,
        ).fit(X, y)
        yield _sizes(name, clf, X)
        yield _latency(f"one row, {name}", clf, X_test[:1].copy(), settings.choose(300, 2))
        yield _latency(f"{len(X_test):,} rows, {name}", clf, X_test, settings.choose(5, 1))


def _sizes(name, clf, X):
    from skticket.persistence import save_model

    def written(save):
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder, "file"))
            return Path(folder, "file").stat().st_size / 1000

    content = {
        "joblib, all rounds": lambda: written(lambda path: joblib.dump(clf, path)),
        "ticket.safetensors": lambda: written(clf.ticket_.save),
        FULL: lambda: len(graph_of(_full(clf), X)) / 1000,
        TICKET: lambda: len(graph_of(clf, X)) / 1000,
        OURS: lambda: written(lambda path: save_model(clf, path)),
    }
    contenders = [Contender(of, run) for of, run in content.items()]
    claims = [Claim((FULL,), subject=TICKET), Claim(("joblib, all rounds",))]
    return Case(f"files, {name}", contenders, claims, unit="kB", warm_up=0)


def _latency(name, clf, X, calls):
    contenders = [Contender(OURS, times(calls, lambda: clf.predict(X)), work=calls)]
    for which, model in ((FULL, _full(clf)), (TICKET, clf)):
        content = graph_of(model, X)
        for threads in all_threads():
            session = session_of(content, threads)
            _check(session, model, X)
            run = times(calls, lambda s=session: s.run(["label"], {"X": X}))
            contenders.append(Contender(which, run, f"threads: {threads}", work=calls))
    return Case(
        name, contenders, [Claim((FULL,), subject=TICKET), Claim((TICKET,)), Claim((FULL,))]
    )


def graph_of(model, X):
    """Return the content of a model's ONNX file."""
    from skl2onnx import to_onnx

    import skticket.export  # noqa: F401 (tells skl2onnx how)

    return to_onnx(model, X[:1], options={"zipmap": False}).SerializeToString()


def session_of(content, threads):
    """Return onnxruntime's session of a graph."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _full(clf):
    """Return an estimator that predicts with the full network of a search."""
    return next(each_round(clf))


def _check(session, model, X):
    """Raise an error unless a graph gives what the estimator gives, but for near-ties."""
    (labels,) = session.run(["label"], {"X": X})
    share = np.mean(labels == model.predict(X))
    if share < 0.999:
        raise AssertionError(f"only {share:.4f} of the labels are the estimator's")


if __name__ == "__main__":
    main("deployment", cases, __doc__)
