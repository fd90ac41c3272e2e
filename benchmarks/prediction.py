"""Predicting 10,000 rows of MNIST, and one, beside torch, onnxruntime and MLPClassifier.

    python benchmarks/prediction.py [--help]

The dense network is 784-300-100-10 without masks. torch predicts in blocks of the size that is
fastest for it; onnxruntime in blocks and whole; both on one thread and on all. Every contender
returns labels. The estimator's `predict` checks its input, as `MLPClassifier.predict` does.
"""

import time

import numpy as np
import torch
from baselines import PlainLoop, fit_sklearn, initial_arrays
from harness import (
    OURS,
    Case,
    Claim,
    Contender,
    all_threads,
    limit_threads,
    main,
    missing,
    mnist,
    times,
)
from sklearn.neural_network import MLPClassifier

from skticket import WinningTicketClassifier
from skticket.engines import Predictor

SIZES = (784, 300, 100, 10)
TORCH, ONNX, SKLEARN = "dense network in torch", "onnxruntime", "MLPClassifier"
UNCHECKED = "skticket's Predictor"
# Rounds of pruning by a fifth that lead to a density, and what is wanted there beside torch.
MANY = {0.036: (15, 2), 0.01: (21, 3)}
ONE = {1: 0, 0.036: 15, 0.01: 21}
# No slower than MLPClassifier.
WANTED_ONE = 1


def cases(settings):
    """Yield a case for each number of rows and density."""
    X, X_test, y, _ = mnist(settings)
    n_train = settings.choose(5000, len(X))
    X, y = X[:n_train], y[:n_train]
    calls = settings.choose(5, 1)
    dense = _dense(X_test, calls)
    for density, (rounds, wanted) in settings.choose(MANY, {0.036: MANY[0.036]}).items():
        clf = find(X, y, rounds)
        own = [
            Contender(OURS, times(calls, lambda clf=clf: clf.predict(X_test)), work=calls),
            _unchecked(clf, X_test, calls),
        ]
        claims = [Claim((TORCH,), wanted), Claim((TORCH,), None, UNCHECKED), Claim((ONNX,))]
        yield Case(f"{len(X_test):,} rows, density {density:g}", [*dense, *own], claims)
    yield from _single_rows(settings, X, y, X_test[:1].copy())


def find(X, y, rounds):
    """Return an estimator with the ticket that so many rounds would leave, pruned at once."""
    return WinningTicketClassifier(
        SIZES[1:-1], rounds=rounds, schedule="one-shot", max_epochs=1, random_state=0
    ).fit(X, y)


def _single_rows(settings, X, y, row):
    calls = settings.choose(200, 2)
    sklearn = fit_sklearn(MLPClassifier(SIZES[1:-1], max_iter=2), X, y)
    for density, rounds in settings.choose(ONE, {0.036: 15}).items():
        clf = find(X, y, rounds)
        contenders = [
            Contender(SKLEARN, times(calls, lambda: sklearn.predict(row)), work=calls),
            *_onnx(row, calls),
            Contender(OURS, times(calls, lambda clf=clf: clf.predict(row)), work=calls),
            _unchecked(clf, row, calls),
        ]
        claims = [Claim((SKLEARN,), WANTED_ONE), Claim((ONNX,))]
        yield Case(f"one row, density {density:g}", contenders, claims)


def _unchecked(clf, X, calls):
    predictor = Predictor(clf.ticket_)
    run = times(calls, lambda: clf.classes_[predictor(X).argmax(axis=1)])
    return Contender(UNCHECKED, run, work=calls)


def _dense(X, calls):
    loop = PlainLoop(*initial_arrays(SIZES))
    X_torch = torch.from_numpy(X)
    contenders = []
    for threads in all_threads():
        block = _best_block(lambda block: predict_torch(loop, X_torch, block), threads)
        run = times(calls, lambda block=block: predict_torch(loop, X_torch, block))
        variant = f"blocks of {block}, threads: {threads}"
        contenders.append(Contender(TORCH, run, variant, work=calls, threads=threads))
    return [*contenders, *_onnx(X, calls)]


def predict_torch(loop, X, block):
    """Return the labels that a network gives, block by block."""
    with torch.inference_mode():
        return torch.cat([loop.forward(part).argmax(1) for part in X.split(block)]).numpy()


def _best_block(predict, threads):
    """Return the number of rows at once that is fastest, by three trials each."""
    seconds = {}
    with limit_threads(threads):
        for block in (128, 256, 512, 1024, 2048, 10_000) * 3:
            start = time.perf_counter()
            predict(block)
            seconds[block] = min(time.perf_counter() - start, seconds.get(block, np.inf))
    return min(seconds, key=seconds.get)


def _onnx(X, calls):
    reason = missing("onnxruntime") or missing("onnx")
    if reason:
        return [Contender(ONNX, None, missing=reason)]
    contenders = []
    for threads in all_threads():
        session = onnx_session(*initial_arrays(SIZES), threads)
        for block in sorted({min(512, len(X)), len(X)}):
            blocks = np.array_split(X, -(-len(X) // block))
            run = times(calls, lambda s=session, b=blocks: predict_onnx(s, b))
            variant = f"blocks of {block}, threads: {threads}"
            contenders.append(Contender(ONNX, run, variant, work=calls))
    return contenders


def onnx_session(weights, biases, threads):
    """Return onnxruntime's session of the dense network."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, last = [], [], "X"
    for k, (weight, bias) in enumerate(zip(weights, biases)):
        constants += [
            numpy_helper.from_array(weight, f"w{k}"),
            numpy_helper.from_array(bias, f"b{k}"),
        ]
        nodes.append(helper.make_node("Gemm", [last, f"w{k}", f"b{k}"], [f"z{k}"], transB=1))
        last = f"z{k}"
        if k < len(weights) - 1:
            nodes.append(helper.make_node("Relu", [last], [f"a{k}"]))
            last = f"a{k}"
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, weights[0].shape[1]])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [None, len(biases[-1])])],
        constants,
    )
    # Versions that every supported onnxruntime reads, whatever this onnx would write.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def predict_onnx(session, blocks):
    """Return the labels that onnxruntime gives, block by block."""
    return np.concatenate([session.run(None, {"X": part})[0].argmax(axis=1) for part in blocks])


if __name__ == "__main__":
    main("prediction", cases, __doc__)
