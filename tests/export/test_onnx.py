"""ONNX graphs give what the estimators give."""

import subprocess
import sys
import textwrap

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from small import X, X_regression, classifier, regressor, with_net, y, y_regression

import skticket.export  # noqa: F401 (tells skl2onnx how)
from skticket import Prune, Ticket, TicketSelector, TicketTransformer

# Pruned until units and inputs are cut off.
SPARSE = {"hidden_layer_sizes": (10, 8), "rounds": 9, "max_epochs": 2}
# Three layers, whose sums have at most 11 terms below 10 in these networks, are rounded by
# 3 * 11 * 10 * 2**-24 = 2e-5 at most; inputs are scaled in the same precision, and that rounding
# is of the same order. In double precision, 2**-53 takes the place of 2**-24.
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-12}
NAMES = np.array(["first", "zweite", "третий"])


def run(model, X, **options):
    """Return what onnxruntime makes of the graph of a model, each output an array."""
    if options:
        options = {"options": {type(model[-1]): options}}
    graph = to_onnx(model, X[:1], **options)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    if isinstance(X, pd.DataFrame):
        inputs = {name: column.to_numpy().reshape(-1, 1) for name, column in X.items()}
    else:
        inputs = {"X": X}
    return session.run(None, inputs)


def numbers(graph):
    """Count the weights and biases in a graph."""
    return sum(int(np.prod(a.dims)) for a in graph.graph.initializer if a.data_type == 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "labels",
    [y, y == 1, NAMES[y], NAMES[y].astype(object), NAMES[y % 2], y * 10**12, y.astype(float)],
    ids=["numbers", "booleans", "texts", "objects", "two texts", "large", "whole floats"],
)
@pytest.mark.parametrize("parameters", [{}, SPARSE], ids=["denser", "sparse"])
def test_classifiers(labels, dtype, parameters):
    rows = X.astype(dtype)
    model = make_pipeline(StandardScaler(), classifier(**parameters)).fit(rows, labels)
    label, probabilities = run(model, rows, zipmap=False)
    expected = model.predict_proba(rows)
    assert probabilities.dtype == dtype
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=TOLERANCE[dtype])
    ranked = np.sort(expected, axis=1)
    is_clear = ranked[:, -1] - ranked[:, -2] > 2 * TOLERANCE[dtype]
    assert is_clear.mean() > 0.9
    np.testing.assert_array_equal(label[is_clear], model.predict(rows)[is_clear])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_labels", [2, 4])
def test_several_labels_a_row(dtype, n_labels):
    rows = X.astype(dtype)
    indicators = (X[:, :n_labels] > 0.3).astype(int)
    model = make_pipeline(StandardScaler(), classifier()).fit(rows, indicators)
    labels, probabilities = run(model, rows, zipmap=False)
    expected = model.predict_proba(rows)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=TOLERANCE[dtype])
    is_clear = np.abs(expected - 0.5) > TOLERANCE[dtype]
    assert is_clear.mean() > 0.9
    np.testing.assert_array_equal(labels[is_clear], model.predict(rows)[is_clear])


def test_options_of_classifiers():
    rows = X.astype(np.float32)
    model = make_pipeline(StandardScaler(), classifier()).fit(rows, NAMES[y])
    label, maps = run(model, rows)
    expected = model.predict_proba(rows)
    assert set(maps[0]) == set(NAMES)
    found = [[row[name] for name in model.classes_] for row in maps]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[np.float32])
    _, *columns = run(model, rows, zipmap="columns")
    found = np.column_stack(columns)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[np.float32])
    positions, _ = run(model, rows, zipmap=False, nocl=True)
    np.testing.assert_array_equal(model.classes_[positions], label)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regressors(dtype, normalize_y, n_outputs):
    rows = X_regression.astype(dtype)
    targets = np.column_stack([y_regression, 1000 + y_regression, 7 * y_regression])[:, :n_outputs]
    targets = targets[:, 0] if n_outputs == 1 else targets
    reg = regressor(normalize_y=normalize_y, **SPARSE)
    model = make_pipeline(StandardScaler(), reg).fit(rows, targets)
    (predicted,) = run(model, rows)
    assert predicted.dtype == dtype
    expected = model.predict(rows).reshape(predicted.shape)
    # In units of each output's own spread, and of its size where it lies far from 0.
    scale = np.abs(targets).max(axis=0)
    error = np.abs(predicted - expected) / scale
    assert error.max() < TOLERANCE[dtype]


def test_what_is_constant_but_for_rounding_keeps_it():
    """A mean far from 0 takes no digits from the network's own sums."""
    targets = 1e6 + y_regression
    model = make_pipeline(StandardScaler(), regressor()).fit(X_regression, targets)
    (predicted,) = run(model, X_regression.astype(np.float32))
    # One rounding of a number near a million, and those of the network.
    np.testing.assert_allclose(
        predicted[:, 0], model.predict(X_regression.astype(np.float32)), rtol=0, atol=0.1
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("hidden", [(10, 8), (7,)])
def test_transformers(dtype, hidden):
    rows = X.astype(dtype)
    clf = classifier(**SPARSE | {"hidden_layer_sizes": hidden}).fit(rows, y)
    transformer = TicketTransformer(clf, prefit=True).fit(rows)
    (hidden_layer,) = run(transformer, rows)
    expected = transformer.transform(rows)
    np.testing.assert_allclose(hidden_layer, expected, rtol=0, atol=TOLERANCE[dtype])
    model = make_pipeline(StandardScaler(), transformer, LogisticRegression()).fit(rows, y)
    _, probabilities = run(model, rows, zipmap=False)
    np.testing.assert_allclose(
        probabilities, model.predict_proba(rows), rtol=0, atol=10 * TOLERANCE[dtype]
    )


def linear(mask):
    """A ticket without hidden layers."""
    arrays = {"layers.0.weight": np.ones(np.shape(mask), "f4"), "layers.0.bias": np.zeros(1, "f4")}
    return Ticket(arrays, {"layers.0.weight": np.array(mask)})


@pytest.mark.parametrize("kept", [[0], [5], [1, 2], [0, 1, 2, 3, 4, 5]])
def test_selectors(kept):
    mask = np.zeros((1, 6), bool)
    mask[0, kept] = True
    reg = regressor(ticket=linear(mask), rounds=0).fit(X_regression, y_regression)
    selector = TicketSelector(reg, prefit=True).fit(X_regression)
    rows = X_regression.astype(np.float32)
    (selected,) = run(selector, rows)
    np.testing.assert_array_equal(selected, rows[:, kept])
    (all_of_them,) = run(TicketTransformer(reg, prefit=True).fit(rows), rows)
    np.testing.assert_array_equal(all_of_them, rows)
    model = make_pipeline(selector, LogisticRegression()).fit(rows, y)
    _, probabilities = run(model, rows, zipmap=False)
    np.testing.assert_allclose(
        probabilities, model.predict_proba(rows), rtol=0, atol=TOLERANCE[np.float32]
    )


def test_data_frames():
    frame = pd.DataFrame(X.astype(np.float32), columns=[f"x{i}" for i in range(6)])
    frame["kind"] = NAMES[np.arange(len(frame)) % 3]
    numeric = [f"x{i}" for i in range(6)]
    columns = make_column_transformer(
        (StandardScaler(), numeric), (OneHotEncoder(sparse_output=False), ["kind"])
    )
    model = make_pipeline(columns, classifier()).fit(frame, y)
    _, probabilities = run(model, frame, zipmap=False)
    np.testing.assert_allclose(
        probabilities, model.predict_proba(frame), rtol=0, atol=TOLERANCE[np.float32]
    )


def test_columns_of_different_types_by_itself():
    frame = pd.DataFrame({f"x{i}": X[:, i].astype(np.float32) for i in range(6)})
    frame["x1"] = np.arange(len(frame)) % 4
    clf = classifier().fit(frame, y)
    session = onnxruntime.InferenceSession(
        to_onnx(clf, frame[:1], options={"zipmap": False}).SerializeToString()
    )
    inputs = {name: column.to_numpy().reshape(-1, 1) for name, column in frame.items()}
    _, probabilities = session.run(None, inputs)
    np.testing.assert_allclose(
        probabilities, clf.predict_proba(frame), rtol=0, atol=TOLERANCE[np.float32]
    )


def test_what_is_cut_off_is_left_out():
    rows = X.astype(np.float32)
    clf = classifier(**SPARSE).fit(rows, y)
    graph = to_onnx(clf, rows[:1], options={"zipmap": False})
    full = to_onnx(classifier(rounds=0).fit(rows, y), rows[:1], options={"zipmap": False})
    assert numbers(full) == 6 * 10 + 10 + 10 * 8 + 8 + 8 * 3 + 3
    assert clf.ticket_.n_weights < numbers(graph) < numbers(full)
    # Four units of each hidden layer gone, whole rows and columns of the weights.
    full = classifier(rounds=0).fit(rows, y).ticket_
    clf = classifier(ticket=Prune(4, "unit_product").transform(full), rounds=0).fit(rows, y)
    graph = to_onnx(clf, rows[:1], options={"zipmap": False})
    shapes = [tuple(a.dims) for a in graph.graph.initializer if len(a.dims) == 2]
    assert shapes == [(6, 6), (6, 4), (4, 3)]


def test_a_net_of_ones_own_is_refused():
    clf = with_net().fit(X, y)
    with pytest.raises(NotImplementedError, match="net of its own"):
        to_onnx(clf, X[:1].astype(np.float32))
    with pytest.raises(NotImplementedError, match="net of its own"):
        to_onnx(TicketTransformer(clf, prefit=True).fit(X), X[:1].astype(np.float32))


def test_in_another_process(tmp_path):
    """Neither the data nor this package are needed where the graph runs."""
    rows = X.astype(np.float32)
    model = make_pipeline(StandardScaler(), classifier()).fit(rows, NAMES[y])
    graph = to_onnx(model, rows[:1], options={"zipmap": False})
    (tmp_path / "model.onnx").write_bytes(graph.SerializeToString())
    np.save(tmp_path / "new.npy", rows[:5] + 0.01)
    code = """
        import sys
        import numpy as np, onnxruntime
        session = onnxruntime.InferenceSession("model.onnx")
        label, probabilities = session.run(None, {"X": np.load("new.npy")})
        np.savez("out.npz", label=label.astype("U"), probabilities=probabilities)
        assert not {"sklearn", "torch", "skticket"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, check=True)
    with np.load(tmp_path / "out.npz") as found:
        new = rows[:5] + np.float32(0.01)
        np.testing.assert_array_equal(found["label"], model.predict(new))
        np.testing.assert_allclose(
            found["probabilities"], model.predict_proba(new), rtol=0, atol=TOLERANCE[np.float32]
        )


def test_a_missing_extra_is_named():
    code = """
        import sys
        sys.modules["skl2onnx"] = None  # as if it were not there
        import skticket
        try:
            import skticket.export
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "pip install 'skticket[onnx]'" in done.stdout


def test_the_package_itself_needs_no_extra():
    code = """
        import sys
        import skticket
        assert not {"onnx", "skl2onnx", "onnxruntime", "skops", "skrub"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
