"""Weights of rows and of classes."""

import numpy as np
import pytest
import sklearn
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import compute_sample_weight
from skorch import NeuralNetClassifier

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.model_selection import neg_density, ticket_scoring
from skticket.network import MLP

X, y = make_classification(
    160, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, random_state=0
)
binary = (y == 1).astype(int)
X_regression, y_regression = make_regression(160, 5, random_state=0)
y_regression /= y_regression.std()
WEIGHT = np.random.default_rng(0).uniform(0.2, 3, size=len(y))
DATA = {"classes": (X, y), "two classes": (X, binary), "numbers": (X_regression, y_regression)}
LAYOUTS = pytest.mark.parametrize("layout", ["dense", "sparse"])


def estimator(targets="classes", **parameters):
    cls = WinningTicketRegressor if targets == "numbers" else WinningTicketClassifier
    defaults = {
        "hidden_layer_sizes": (12, 8),
        "rounds": 2,
        "max_epochs": 4,
        "batch_size": 20,
        "learning_rate": 0.02,
        "random_state": 0,
    }
    return cls(**(defaults | parameters))


# At most 32 steps of Adam, none longer than 0.02, of which rounding decides no more than a share.
TOLERANCE = {"rtol": 1e-4, "atol": 2e-4}


def assert_close(first, second):
    """Tickets agree to rounding, up to where it decides what is pruned."""
    before = None
    for ours, theirs in zip(first.tickets_, second.tickets_, strict=True):
        differ = {name: mask != theirs.mask[name] for name, mask in ours.mask.items()}
        if any(places.any() for places in differ.values()):
            assert_near_ties(before, ours, differ)
            return
        for name, array in ours.weights.items():
            np.testing.assert_allclose(theirs.weights[name], array, **TOLERANCE)
        before = ours


def assert_near_ties(before, pruned, places):
    for name, mask in pruned.mask.items():
        magnitudes = np.abs(before.weights[name])
        np.testing.assert_allclose(
            magnitudes[places[name]], magnitudes[mask].min(), rtol=0, atol=2 * TOLERANCE["atol"]
        )


def assert_results_close(first, second, score_tolerance):
    for name, tolerance in (("valid_loss", 1e-3), ("valid_score", score_tolerance)):
        np.testing.assert_allclose(
            first.round_results_[name], second.round_results_[name], rtol=1e-4, atol=tolerance
        )


@LAYOUTS
@pytest.mark.parametrize("targets", DATA)
@pytest.mark.parametrize("constant", [1.0, 7.5])
def test_constant_weights_change_nothing(targets, layout, constant):
    X, y = DATA[targets]
    model = estimator(targets, layout=layout, rounds=1)
    plain = model.fit(X, y)
    weighted = estimator(targets, layout=layout, rounds=1).fit(
        X, y, sample_weight=np.full(len(y), constant)
    )
    assert_close(weighted, plain)
    # Of 16 rows held out, one may be on the other side by rounding.
    assert_results_close(weighted, plain, 1e-3 if targets == "numbers" else 1.01 / 16)


@LAYOUTS
@pytest.mark.parametrize("targets", DATA)
def test_rows_of_weight_zero_are_left_out(targets, layout):
    X, y = DATA[targets]
    weight = np.where(np.arange(len(y)) % 4 == 0, 0, WEIGHT)
    kept = weight > 0
    model = estimator(targets, layout=layout)
    expected = model.fit(X[kept], y[kept], sample_weight=weight[kept]).tickets_
    # Whatever they hold, in whatever place they are.
    spoiled = np.where(kept[:, None], X, 1e6)
    assert estimator(targets, layout=layout).fit(spoiled, y, weight).tickets_ == expected


@pytest.mark.parametrize("targets", DATA)
def test_layouts_agree(targets):
    X, y = DATA[targets]
    dense, sparse = (
        estimator(targets, layout=layout, rounds=1).fit(X, y, sample_weight=WEIGHT)
        for layout in ("dense", "sparse")
    )
    assert_close(dense, sparse)


@LAYOUTS
def test_weights_weigh(layout):
    # Half the rows say one thing, half the other; the heavier half is believed.
    X = np.tile(np.random.default_rng(0).normal(size=(60, 3)), (2, 1))
    y = np.repeat([0, 1], 60)
    for heavy in (0, 1):
        weight = np.where(y == heavy, 5.0, 1.0)
        clf = estimator(layout=layout, max_epochs=20).fit(X, y, sample_weight=weight)
        assert (clf.predict(X) == heavy).mean() > 0.9
        # So do the rows that were held out.
        assert clf.round_results_["valid_score"][-1] > 0.7


@LAYOUTS
def test_repeated_rows_weigh_like_weights(layout):
    # With all rows in a batch, and validated on the same, a weight of 2 is a row twice; but for
    # the penalty, which is divided by the number of rows: the scale of weights must not matter.
    settings = {"layout": layout, "validation_fraction": 0, "max_epochs": 10, "rounds": 1}
    settings["alpha"] = 0
    counts = np.random.default_rng(0).integers(1, 4, size=len(y))
    repeated = estimator(batch_size=counts.sum(), **settings).fit(
        np.repeat(X, counts, axis=0), np.repeat(y, counts)
    )
    weighted = estimator(batch_size=len(y), **settings).fit(X, y, sample_weight=counts)
    assert_close(weighted, repeated)
    # One row may be on the other side by rounding: up to three of the repeated ones.
    assert_results_close(weighted, repeated, 3.01 / counts.sum())


@LAYOUTS
@pytest.mark.parametrize("targets", ["classes", "two classes"])
def test_balanced_classes_are_the_weights_they_say(targets, layout):
    X, y = DATA[targets]
    balanced = estimator(targets, layout=layout, class_weight="balanced").fit(X, y)
    expected = estimator(targets, layout=layout).fit(
        X, y, sample_weight=compute_sample_weight("balanced", y)
    )
    assert balanced.tickets_ == expected.tickets_


@LAYOUTS
def test_balanced_classes_help_the_rare_one(layout):
    rng = np.random.default_rng(0)
    y = (np.arange(400) % 20 == 0).astype(int)
    X = rng.normal(size=(400, 4)) + 0.8 * y[:, None]
    recalls = [
        (estimator(layout=layout, class_weight=weight).fit(X, y).predict(X)[y == 1] == 1).mean()
        for weight in (None, "balanced")
    ]
    assert recalls[1] > recalls[0] + 0.3


def test_class_weight_multiplies_sample_weight():
    by_class = {0: 1.0, 1: 3.0, 2: 0.5}
    both = estimator(class_weight=by_class).fit(X, y, sample_weight=WEIGHT)
    product = WEIGHT * np.take([1.0, 3.0, 0.5], y)
    assert both.tickets_ == estimator().fit(X, y, sample_weight=product).tickets_


def test_class_weight_by_label():
    names = np.array(["a", "b", "c"])[y]
    clf = estimator(class_weight={"a": 2.0, "b": 1.0, "c": 1.0}).fit(X, names)
    assert clf.tickets_ == estimator(class_weight={0: 2.0}).fit(X, y).tickets_


def test_partial_fit_takes_weights():
    by_hand = estimator().partial_fit(X, y, sample_weight=WEIGHT).prune().rewind()
    by_hand.partial_fit(X, y, sample_weight=WEIGHT)
    assert by_hand.ticket_ == estimator(rounds=1).fit(X, y, sample_weight=WEIGHT).ticket_


def test_memory_tells_weights_apart(tmp_path):
    model = estimator(memory=str(tmp_path))
    plain = model.fit(X, y).ticket_
    weighted = model.fit(X, y, sample_weight=WEIGHT).ticket_
    assert weighted == estimator().fit(X, y, sample_weight=WEIGHT).ticket_ != plain


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.zeros(len(y)), "at least one non-zero"),
        (-WEIGHT, "[Nn]egative values"),
        (WEIGHT[:-1], "sample_weight.shape"),
        (np.where(y == 0, np.nan, 1), "NaN"),
    ],
)
def test_wrong_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        estimator().fit(X, y, sample_weight=weight)


@pytest.mark.parametrize(
    "by_class", [{0: -1.0}, {1: np.nan}, {2: np.inf}, {0: 0, 1: 0, 2: 0}, [1.0, 2.0, 3.0]]
)
def test_wrong_class_weights(by_class):
    with pytest.raises(ValueError, match="class_weight"):
        estimator(class_weight=by_class).fit(X, y)


def test_class_weight_may_leave_a_class_out_but_not_all_rows():
    without = estimator(class_weight={0: 0}).fit(X, y)
    assert 0 not in without.predict(X)
    with pytest.raises(ValueError, match="class_weight must be .* not 0 for all rows"):
        without.fit(X, y, sample_weight=y == 0)


@pytest.mark.parametrize("how", ["sample_weight", "class_weight"])
def test_a_net_of_ones_own_takes_no_weights(how):
    net = NeuralNetClassifier(
        MLP, module__n_inputs=6, module__hidden_layer_sizes=(5,), module__n_outputs=3, verbose=0
    )
    by_class = "balanced" if how == "class_weight" else None
    with pytest.raises(ValueError, match="need the default network"):
        estimator(net=net, class_weight=by_class).fit(
            X, y, sample_weight=WEIGHT if how == "sample_weight" else None
        )


def test_by_the_name_of_the_step():
    model = Pipeline([("scale", StandardScaler()), ("ticket", estimator())])
    fitted = model.fit(X, y, ticket__sample_weight=WEIGHT)
    expected = estimator().fit(StandardScaler().fit_transform(X), y, sample_weight=WEIGHT)
    assert fitted["ticket"].ticket_ == expected.ticket_


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_routed_through_a_pipeline(routing):
    model = Pipeline(
        [
            ("scale", StandardScaler().set_fit_request(sample_weight=False)),
            ("ticket", estimator().set_fit_request(sample_weight=True)),
        ]
    )
    fitted = model.fit(X, y, sample_weight=WEIGHT)
    expected = estimator().fit(StandardScaler().fit_transform(X), y, sample_weight=WEIGHT)
    assert fitted["ticket"].ticket_ == expected.ticket_


def test_routed_through_a_search(routing):
    ticket = estimator().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    model = Pipeline(
        [("scale", StandardScaler().set_fit_request(sample_weight=False)), ("ticket", ticket)]
    )
    search = GridSearchCV(
        model, {"ticket__strategy": ["magnitude", "random"]}, cv=2, error_score="raise"
    ).fit(X, y, sample_weight=WEIGHT)
    expected = estimator(strategy=search.best_params_["ticket__strategy"])
    expected.fit(StandardScaler().fit_transform(X), y, sample_weight=WEIGHT)
    assert search.best_estimator_["ticket"].ticket_ == expected.ticket_
    # Scores are weighted too, with each fold's own weights.
    cross = cross_validate(
        model.set_params(**search.best_params_), X, y, cv=2, params={"sample_weight": WEIGHT}
    )
    assert search.best_score_ == cross["test_score"].mean()


def test_not_requested(routing):
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
        GridSearchCV(estimator(), {"rounds": [0]}, cv=2).fit(X, y, sample_weight=WEIGHT)


def test_routed_to_a_regressor_in_a_transformer_of_targets(routing):
    reg = estimator("numbers").set_fit_request(sample_weight=True)
    model = TransformedTargetRegressor(reg, transformer=StandardScaler())
    fitted = model.fit(X_regression, y_regression, sample_weight=WEIGHT)
    plain = model.fit(X_regression, y_regression).regressor_.ticket_
    assert fitted.regressor_.ticket_.n_weights == plain.n_weights


@pytest.mark.parametrize("scoring", [neg_density, ticket_scoring("accuracy")])
def test_searches_with_scorers_of_size_take_weights(scoring, recwarn):
    search = GridSearchCV(
        estimator(), {"rounds": [0, 1]}, scoring=scoring, refit=False, cv=2, error_score="raise"
    ).fit(X, y, sample_weight=WEIGHT)
    name = "score" if callable(scoring) else "density"
    assert search.cv_results_[f"mean_test_{name}"][0] == -1
    assert not [warning for warning in recwarn if "sample_weight" in str(warning.message)]
