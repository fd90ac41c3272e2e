"""Large data: arrays that stay where and what they are, and are converted a batch at a time."""

import tracemalloc

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from small import X, classifier, regressor, same_results, y, y_regression

from skticket import TicketTransformer
from skticket.estimators import held_out
from skticket.model_selection import ticket_test_score
from skticket.network import _rows

LAYOUTS = pytest.mark.parametrize("layout", ["dense", "sparse"])
# Exactly as in single precision, and in integers.
VALUES = np.round(100 * X)


@pytest.fixture
def large(monkeypatch):
    """Give the function that makes all arrays count as large."""
    return lambda: monkeypatch.setattr(_rows, "_LARGE", 500)


@pytest.fixture
def on_disk(tmp_path):
    """Give the function that writes an array to a file, and returns it mapped, to be read only."""

    def write(array):
        np.save(tmp_path / "rows.npy", array)
        mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
        assert isinstance(mapped, np.memmap) and not mapped.flags.writeable
        return mapped

    return write


class Nothing(Callback):
    pass


def own_net(**parameters):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    return NeuralNetClassifier(
        module, criterion=torch.nn.CrossEntropyLoss, lr=0.01, max_epochs=2, verbose=0, **parameters
    )


@LAYOUTS
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_any_type_gives_the_same_results(dtype, layout, on_disk, large, recwarn):
    values = on_disk(np.abs(VALUES).astype(dtype))
    expected = classifier(layout=layout).fit(np.array(values), y)
    large()
    clf = classifier(layout=layout).fit(values, y)
    assert clf.tickets_ == expected.tickets_
    assert same_results(clf.round_results_, expected.round_results_)
    for form in (clf.densify, clf.sparsify):
        found = form().predict_proba(values)
        assert found.dtype == (np.float32 if dtype == "float32" else np.float64)
        np.testing.assert_allclose(found, expected.predict_proba(np.array(values)), rtol=1e-5)
    assert not [w for w in recwarn if "writ" in str(w.message) or "overflow" in str(w.message)]


@LAYOUTS
def test_other_estimators_and_parameters(layout, on_disk, large):
    values, weight = on_disk(VALUES), np.arange(len(y)) % 3.0
    fits = [
        lambda: regressor(layout=layout).fit(values, y_regression),
        lambda: classifier(layout=layout).fit(values, y, sample_weight=weight),
        lambda: classifier(layout=layout).fit(values, y, sample_weight=weight + 1),
        lambda: classifier(layout=layout, strategy="snip", validation_fraction=0).fit(values, y),
        lambda: classifier(layout=layout, net=own_net()).fit(values, y),
        lambda: classifier(layout=layout, net=own_net(callbacks=[Nothing()])).fit(values, y),
        lambda: classifier(layout=layout).partial_fit(values, y).prune().partial_fit(values, y),
        lambda: classifier(layout=layout, batch_size="auto", warm_start=True).fit(values, y),
    ]
    expected = [fit() for fit in fits]
    large()
    for fit, other in zip(fits, expected, strict=True):
        fitted = fit()
        assert fitted.tickets_ == other.tickets_
        np.testing.assert_allclose(fitted.predict(values), other.predict(VALUES), rtol=1e-5)
        if hasattr(fitted, "predict_log_proba"):
            np.testing.assert_allclose(
                fitted.predict_log_proba(values), other.predict_log_proba(VALUES), rtol=1e-4
            )
    layer = [TicketTransformer(e, prefit=True).fit(values).transform(values) for e in expected[1:6]]
    assert all(np.isfinite(activations).all() for activations in layer)


def test_what_is_remembered_is_the_same(n_trained, tmp_path, on_disk, large):
    values = on_disk(VALUES.astype("float32"))
    clf = classifier(memory=str(tmp_path)).fit(VALUES, y)
    large()
    assert classifier(memory=str(tmp_path)).fit(values, y).tickets_ == clf.tickets_
    assert len(n_trained) == 3


@LAYOUTS
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_nothing_is_copied(dtype, layout, on_disk, large):
    rng = np.random.default_rng(0)
    values = on_disk(rng.integers(100, size=(20_000, 400)).astype(dtype))
    labels = (np.arange(len(values)) % 3 == 0).astype(int)
    parameters = {"layout": layout, "rounds": 1, "max_epochs": 1, "batch_size": 200}
    # Compile, and import, what there is.
    classifier(**parameters).fit(VALUES, y).sparsify().predict(VALUES)
    large()
    tracemalloc.start()
    clf = classifier(**parameters, class_weight="balanced").fit(values, labels)
    clf.predict(values)
    clf.sparsify().predict(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Of 32 MB in single precision. Targets, weights and positions take some numbers a row; what
    # is converted, a million at a time, and where they are checked, those of 4,096 rows.
    n_bytes = 4 * values.size
    assert peak < n_bytes / 2
    if dtype == "float32":
        assert peak < n_bytes / 6


@pytest.mark.parametrize(
    "n_rows, expected",
    [(10_000, 50), (60_000, 100), (200_000, 196), (10**6, 977), (10**7, 9766)],
)
def test_evaluations_of_long_epochs(n_rows, expected):
    """Every 100 steps, but at most twice an epoch, so that patience lasts for some."""
    search = classifier(batch_size="auto").fit(X, y)._build_search()
    n_steps, interval = search.grid(n_rows)
    assert interval == expected
    assert -(-n_steps // interval) <= 2 * search.max_epochs


def test_very_many_rows_are_held_out_by_chance():
    rng = np.random.default_rng(0)
    labels = (rng.random(30_000) < 0.4).astype(int)
    clf = classifier(rounds=0, max_epochs=1, batch_size=5000, validation_fraction=0.2)
    clf.fit(labels[:, None], labels)
    for many in (True, False):
        targets = labels if many else np.where(np.arange(30_000) < 400, 1, 0)
        clf.fit(labels[:, None], targets)
        _, held = held_out(clf, labels[:, None], targets)
        assert len(held) == 6000
        share, expected = held.mean(), targets.mean()
        # Exactly in proportion, or to a few standard errors of a share of 6,000 rows.
        assert abs(share - expected) < (0.03 if many else 1 / 6000)


def test_columns_one_after_the_other_are_copied(on_disk, large):
    values = on_disk(np.asfortranarray(VALUES))
    large()
    clf = classifier().fit(values, y)
    assert clf.tickets_ == classifier().fit(VALUES, y).tickets_
    np.testing.assert_allclose(clf.predict_proba(values), clf.predict_proba(VALUES), rtol=1e-6)


@pytest.mark.parametrize("value, message", [(np.nan, "NaN"), (np.inf, "infinity"), (1e300, "too")])
@pytest.mark.parametrize("counts_as_large", [False, True])
def test_values_that_are_not_finite(value, message, counts_as_large, on_disk, large):
    spoiled = VALUES.copy()
    spoiled[140, 3] = value
    values = on_disk(spoiled)
    if counts_as_large:
        large()
    with pytest.raises(ValueError, match=message):
        classifier().fit(values, y)
    clf = classifier(net=own_net()).fit(VALUES, y)
    with pytest.raises(ValueError, match=message):
        clf.predict(values)


def test_tests_against_controls(on_disk, large):
    values = on_disk(VALUES.astype("float32"))
    expected = ticket_test_score(classifier(), VALUES, y, n_controls=2)
    large()
    found = ticket_test_score(classifier(), values, y, n_controls=2)
    np.testing.assert_array_equal(found.control_scores, expected.control_scores)
    assert found.score == expected.score
