"""Sparse inputs: the same results as of the dense array, which they never become as a whole."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.callback import ScoringMonitor
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_multilabel_classification
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring
from small import classifier, regressor, same_results
from torch.utils.data import DataLoader

from skticket import TicketSelector, TicketTransformer
from skticket.model_selection import fit_controls, ticket_test_score

RNG = np.random.default_rng(0)
N_FEATURES = 30
# Of 30 inputs two or three are not 0; none of the last column.
X = np.where(RNG.random((180, N_FEATURES)) < 0.1, RNG.normal(size=(180, N_FEATURES)), 0)
X[:, -1] = 0
CSR = sparse.csr_array(X)
y = np.digitize(X @ RNG.normal(size=N_FEATURES), [-0.5, 0.5])
numbers = X @ RNG.normal(size=N_FEATURES)
LAYOUTS = pytest.mark.parametrize("layout", ["dense", "sparse"])


def assert_same_fit(sparse_fit, dense_fit, X=X):
    """Equal bits of all that was trained; predictions to rounding: their sums go another way."""
    assert sparse_fit.tickets_ == dense_fit.tickets_
    assert same_results(sparse_fit.round_results_, dense_fit.round_results_)
    assert_same_predictions(sparse_fit, dense_fit, X)


def assert_same_predictions(sparse_fit, dense_fit, X=X):
    names = "predict_proba", "predict_log_proba", "predict"
    for name in [name for name in names if hasattr(dense_fit, name)]:
        expected = getattr(dense_fit, name)(X)
        found = getattr(sparse_fit, name)(sparse.csr_array(X))
        assert found.shape == expected.shape and found.dtype == expected.dtype
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(found, expected)


def with_64_bits(matrix):
    matrix = matrix.copy()
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


def in_disorder(matrix):
    """Each row's elements from right to left, with zeros among them, and one in two halves."""
    coo = matrix.tocoo()
    rows, columns, values = [*coo.row], [*coo.col], [*coo.data]
    rows, columns, values = rows + [3, 3], columns + [5, 5], values + [0.5, 0.5]
    rows, columns, values = rows + [7], columns + [11], values + [0.0]
    order = np.lexsort([-np.array(columns), rows])
    pointers = np.searchsorted(np.array(rows)[order], np.arange(matrix.shape[0] + 1))
    made = sparse.csr_array((np.array(values)[order], np.array(columns)[order], pointers))
    assert not made.has_sorted_indices and not made.has_canonical_format
    return made


def read_only(matrix):
    matrix = matrix.astype(np.float32)
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    return matrix


FORMS = {
    **{f"{name}_array": getattr(sparse, f"{name}_array") for name in "csr csc coo lil dok".split()},
    "csr_matrix": sparse.csr_matrix,
    "bsr_matrix": sparse.bsr_matrix,
    "64 bits": lambda X: with_64_bits(sparse.csr_array(X)),
    "in disorder": lambda X: in_disorder(sparse.csr_array(X)),
    "read-only": lambda X: read_only(sparse.csr_array(X)),
    "float32": lambda X: sparse.csr_array(X.astype(np.float32)),
}


@LAYOUTS
@pytest.mark.parametrize("form", FORMS)
def test_forms(form, layout):
    given = FORMS[form](X)
    before = given.copy()
    clf = classifier(layout=layout).fit(given, y)
    dense = np.asarray(given.todense())
    assert_same_fit(clf, classifier(layout=layout).fit(dense, y), dense)
    np.testing.assert_allclose(clf.predict_proba(given), clf.predict_proba(dense), atol=1e-6)
    assert (given != before).nnz == 0 and given.format == before.format


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float16"])
def test_dtypes(dtype):
    counts = np.abs(3 * X).astype(dtype)
    given = counts.astype("float32") if dtype == "float16" else counts  # scipy has no such type
    clf = classifier().fit(sparse.csr_array(given), y)
    assert_same_fit(clf, classifier().fit(counts, y), counts.astype(float))


@LAYOUTS
def test_numbers_and_labels(layout):
    assert_same_fit(
        regressor(layout=layout).fit(CSR, numbers), regressor(layout=layout).fit(X, numbers)
    )
    _, labels = make_multilabel_classification(len(X), n_classes=4, random_state=0)
    both = [classifier(layout=layout).fit(inputs, labels) for inputs in (CSR, X)]
    assert_same_fit(*both)


@LAYOUTS
@pytest.mark.parametrize(
    "parameters",
    [
        {"strategy": "snip"},
        {"strategy": "grasp", "rewind_to": "none"},
        {"strategy": "unit_product", "rewind_to": 3},
        {"validation_fraction": 0, "batch_size": "auto", "n_iter_no_change": 1},
        {"select": "best", "round_budget": 0.3, "alpha": 3.0},
        {"hidden_layer_sizes": (), "optimizer": "sgd"},
        {"class_weight": "balanced", "batch_size": 150},  # more than a tile of the compiled code
    ],
)
def test_parameters(parameters, layout):
    assert_same_fit(*(classifier(layout=layout, **parameters).fit(form, y) for form in (CSR, X)))


@LAYOUTS
def test_weights(layout):
    weight = RNG.uniform(0, 2, len(X)) * (np.arange(len(X)) % 5 > 0)
    both = [classifier(layout=layout).fit(form, y, sample_weight=weight) for form in (CSR, X)]
    assert_same_fit(*both)


@LAYOUTS
def test_by_hand(layout):
    def by_hand(form):
        clf = classifier(layout=layout, strategy="snip").partial_fit(form, y)
        return clf.prune(X=form, y=y).rewind().partial_fit(form, y)

    assert_same_fit(by_hand(CSR), by_hand(X))


@pytest.mark.parametrize("rounds", [0, 12])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forms_of_prediction(dtype, rounds):
    clf = classifier(rounds=rounds).fit(X, y)
    expected = clf.predict_proba(X.astype(dtype))
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    many = sparse.vstack([CSR] * 12).astype(dtype)  # several blocks
    for form in (clf.sparsify, clf.densify):
        found = form().predict_proba(CSR.astype(dtype))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(form().predict_proba(many)[-180:], found, rtol=tolerance)
        one = form().predict_proba(CSR[[4]].astype(dtype))
        np.testing.assert_allclose(one, expected[[4]], rtol=tolerance, atol=tolerance)
    nothing = sparse.csr_array((2, N_FEATURES), dtype=dtype)
    np.testing.assert_allclose(
        clf.predict_proba(nothing), clf.predict_proba(nothing.toarray()), rtol=tolerance
    )
    staged = [*clf.staged_predict(CSR)]
    np.testing.assert_array_equal(staged, [*clf.staged_predict(X)])
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(CSR), clf.predict_proba(CSR))


@LAYOUTS
def test_no_input_at_all(layout):
    nothing = sparse.csr_array((60, 5))
    clf = classifier(layout=layout).fit(nothing, y[:60])
    assert clf.tickets_ == classifier(layout=layout).fit(nothing.toarray(), y[:60]).tickets_


# What is remembered


def test_memory(n_trained, tmp_path):
    clf = classifier(memory=str(tmp_path)).fit(CSR, y)
    assert len(n_trained) == 3
    same = CSR.copy()
    same.sort_indices()  # scipy notes this in the matrix
    assert classifier(memory=str(tmp_path)).fit(same, y).tickets_ == clf.tickets_
    assert len(n_trained) == 3
    other = CSR.copy()
    other.indices[0] = N_FEATURES - 1  # where no row holds anything
    classifier(memory=str(tmp_path), rounds=0).fit(other, y)
    assert len(n_trained) == 4


def test_warm_start(n_trained):
    clf = classifier(rounds=1, warm_start=True).fit(CSR, y)
    again = CSR.copy()
    assert again.has_sorted_indices and again.has_canonical_format  # scipy notes this
    clf.set_params(rounds=2).fit(again, y)
    assert len(n_trained) == 3
    clf.fit(2 * CSR, y)
    assert len(n_trained) == 6
    assert clf.tickets_ == classifier().fit(2 * X, y).tickets_


# Memory


@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("strategy", ["magnitude", "snip"])
def test_rows_become_dense_a_batch_at_a_time(layout, strategy):
    n_rows, n_features, n_filled = 4000, 50_000, 20
    columns = RNG.integers(n_features, size=n_rows * n_filled)
    pointers = np.arange(0, len(columns) + 1, n_filled)
    wide = sparse.csr_array((np.ones(len(columns)), columns, pointers), (n_rows, n_features))
    labels = np.arange(n_rows) % 2
    parameters = {"hidden_layer_sizes": (2,), "max_epochs": 1, "batch_size": 40, "rounds": 1}
    clf = classifier(**parameters, layout=layout, strategy=strategy)
    # Compile, and import, what there is.
    classifier(layout=layout).fit(CSR, y).sparsify().predict(CSR)
    tracemalloc.start()
    clf.fit(wide, labels)
    clf.predict_proba(wide)
    clf.sparsify().predict_proba(wide)
    TicketTransformer(clf, prefit=True).fit(wide).transform(wide)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The array would have 800 MB. A batch has 8, a part of an evaluation 17; the compiled code
    # keeps 128 columns of inputs, twice 26.
    assert peak < 100e6


@LAYOUTS
def test_batches_are_all_that_becomes_dense(layout, monkeypatch):
    most = []
    toarray = sparse.csr_array.toarray

    def counted(self, *args, **kwargs):
        most.append(self.shape[0])
        return toarray(self, *args, **kwargs)

    monkeypatch.setattr(sparse.csr_array, "toarray", counted)
    clf = classifier(layout=layout).fit(CSR, y)
    clf.predict_proba(CSR)
    clf.sparsify().predict_proba(CSR)
    # Two rows are tried on the network. The compiled code needs none of them dense.
    assert max(most) == (30 if layout == "dense" else 2)


# What else takes estimators


def test_transformers():
    for make in (TicketTransformer, TicketSelector):
        fitted, expected = make(classifier(rounds=4)).fit(CSR, y), make(classifier(rounds=4))
        expected.fit(X, y)
        found = fitted.transform(CSR)
        assert sparse.issparse(found) == (make is TicketSelector)
        found = found.toarray() if sparse.issparse(found) else found
        np.testing.assert_allclose(found, expected.transform(X), rtol=1e-5, atol=1e-6)
    selector = TicketSelector(classifier(), prefit=False).fit(CSR, y)
    back = selector.inverse_transform(selector.transform(CSR))
    np.testing.assert_array_equal(back.toarray(), X * selector.support_)
    # Without hidden layers the inputs themselves come out, as they went in.
    plain = TicketTransformer(classifier(hidden_layer_sizes=())).fit(CSR, y)
    assert (plain.transform(CSR) != CSR).nnz == 0


def test_tests_against_controls():
    results = [
        ticket_test_score(classifier(), form, y, n_controls=2, scoring="neg_log_loss")
        for form in (CSR, sparse.coo_matrix(X), X)
    ]
    for result in results[:2]:
        # Losses of predictions, whose sums have another order.
        np.testing.assert_allclose(result.score, results[2].score, rtol=1e-6)
        np.testing.assert_allclose(result.control_scores, results[2].control_scores, rtol=1e-6)
    clf = classifier().fit(CSR, y)
    controls = [fit_controls(clf, form, y, n_controls=1)[0] for form in (CSR, X)]
    assert controls[0].tickets_ == controls[1].tickets_


def test_texts_and_categories_in_a_pipeline():
    words = np.array("ant bee cat dog elk fox".split())
    texts = [" ".join(words[RNG.integers(6, size=8)]) for _ in range(120)]
    labels = np.array(["cat" in text and "dog" in text for text in texts])
    frame = pd.DataFrame({"text": texts, "kind": RNG.choice(["a", "b"], 120)})
    columns = make_column_transformer(
        (TfidfVectorizer(), "text"), (OneHotEncoder(), ["kind"]), sparse_threshold=1
    )
    model = make_pipeline(columns, MaxAbsScaler(), classifier(max_epochs=30)).fit(frame, labels)
    assert sparse.issparse(model[:-1].transform(frame))
    assert model.score(frame, labels) > 0.9
    search = GridSearchCV(model, {"winningticketclassifier__rounds": [0, 1]}, cv=2)
    assert search.fit(frame, labels).best_score_ > 0.5


def test_callbacks_are_shown_the_rows():
    monitor = ScoringMonitor(scoring="accuracy")
    clf = classifier().set_callbacks(monitor).fit(CSR, y)
    frame = monitor.get_logs().data_as_pandas
    (last,) = frame.loc[frame["task_name"] == "fit", "accuracy"]
    assert last == pytest.approx(clf.score(CSR, y), abs=1.01 / len(y))


class Loader(DataLoader):
    """An iterator of the user's, which takes single rows."""


def own_net(**parameters):
    module = torch.nn.Sequential(torch.nn.Linear(N_FEATURES, 8), torch.nn.ReLU())
    module.append(torch.nn.Linear(8, 3))
    return NeuralNetClassifier(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        lr=0.1,
        max_epochs=3,
        batch_size=30,
        verbose=0,
        **parameters,
    )


@LAYOUTS
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"callbacks": [EpochScoring("accuracy", name="score", on_train=True)]},
        {"iterator_train": Loader, "iterator_train__shuffle": True},
        {"iterator_valid": Loader},
    ],
)
def test_own_nets(parameters, layout):
    def fitted(form):
        torch.manual_seed(0)
        return classifier(net=own_net(**parameters), layout=layout).fit(form, y)

    assert_same_fit(fitted(CSR), fitted(X))
    transformer = TicketTransformer(fitted(CSR), prefit=True).fit(CSR)
    np.testing.assert_allclose(transformer.transform(CSR), transformer.transform(X), rtol=1e-6)


# Errors


@pytest.mark.parametrize("value, message", [(np.nan, "NaN"), (np.inf, "infinity")])
def test_values_that_are_not_finite(value, message):
    spoiled = CSR.copy()
    spoiled.data[7] = value
    with pytest.raises(ValueError, match=message):
        classifier().fit(spoiled, y)
    with pytest.raises(ValueError, match=message):
        classifier().fit(CSR, y).predict(spoiled)


def test_other_shapes():
    clf = classifier().fit(CSR, y)
    with pytest.raises(ValueError, match="X has 29 features"):
        clf.predict(CSR[:, :-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(CSR, y[:-1])
    with pytest.raises(ValueError, match="cannot take X of shape"):
        classifier(net=own_net()).fit(CSR[:, :-1], y)
