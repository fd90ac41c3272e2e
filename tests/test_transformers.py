import pickle

import numpy as np
import pandas as pd
import pytest
import reference
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch import NeuralNetClassifier
from small import assert_labels
from torch import nn

from skticket import (
    Ticket,
    TicketSelector,
    TicketTransformer,
    WinningTicketClassifier,
    WinningTicketRegressor,
)

X, y = make_classification(
    120, 8, n_informative=3, n_redundant=0, n_classes=3, n_clusters_per_class=1, random_state=0
)
X_regression, y_regression = make_regression(120, 8, n_informative=3, random_state=0)
frame = pd.DataFrame(X, columns=[f"feature {i}" for i in range(8)], index=np.arange(120) + 1000)

SMALL = {
    "hidden_layer_sizes": (6, 5),
    "rounds": 1,
    "max_epochs": 2,
    "batch_size": 30,
    "learning_rate": 0.02,
    "random_state": 0,
}
TRANSFORMERS = [TicketTransformer, TicketSelector]


def classifier(**parameters):
    return WinningTicketClassifier(**(SMALL | parameters))


def regressor(**parameters):
    return WinningTicketRegressor(**(SMALL | parameters))


@parametrize_with_checks(
    [
        transformer(estimator)
        for transformer in TRANSFORMERS
        for estimator in (classifier(), regressor())
    ]
)
def test_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_tags_are_those_of_the_estimator(transformer):
    tags = transformer(classifier()).__sklearn_tags__()
    assert tags.target_tags.required
    assert tags.input_tags.sparse
    assert not tags.input_tags.allow_nan
    assert not tags.no_validation
    assert transformer(regressor()).__sklearn_tags__().target_tags.multi_output
    assert not transformer(classifier(), prefit=True).__sklearn_tags__().target_tags.required


# Both


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_estimator_is_cloned_and_fitted(transformer):
    prototype = classifier()
    fitted = transformer(prototype).fit(X, y)
    assert not hasattr(prototype, "ticket_")
    assert fitted.estimator_.ticket_ == classifier().fit(X, y).ticket_
    assert fitted.n_features_in_ == 8
    assert not hasattr(fitted, "feature_names_in_")
    assert list(fitted.fit(frame, y).feature_names_in_) == list(frame.columns)
    assert not hasattr(fitted.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("freeze", [False, True])
@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_fitted_estimator_is_taken_as_it_is(transformer, freeze):
    clf = classifier().fit(X, y)
    given = transformer(FrozenEstimator(clf)) if freeze else transformer(clf, prefit=True)
    expected = transformer(classifier()).fit(X, y).transform(X)
    np.testing.assert_array_equal(given.fit(X[:5], y[:5]).transform(X), expected)
    np.testing.assert_array_equal(given.fit(X[:5]).transform(X), expected)
    if not freeze:
        clf.fit(X, -y)
        np.testing.assert_array_equal(given.transform(X), expected)


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_unfitted(transformer):
    with pytest.raises(NotFittedError):
        transformer(classifier()).transform(X)
    with pytest.raises(NotFittedError):
        transformer(classifier()).get_feature_names_out()
    with pytest.raises(NotFittedError, match="prefit=True needs a fitted.*WinningTicketClassifier"):
        transformer(classifier(), prefit=True).fit(X, y)


@pytest.mark.parametrize("transformer", TRANSFORMERS)
@pytest.mark.parametrize(
    "parameters, name",
    [
        ({"estimator": LogisticRegression()}, "estimator"),
        ({"estimator": WinningTicketClassifier}, "estimator"),
        ({"estimator": classifier(), "prefit": "yes"}, "prefit"),
    ],
)
def test_wrong_parameter_is_named(transformer, parameters, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        transformer(**parameters).fit(X, y)


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_sample_weight(transformer):
    weight = np.random.RandomState(0).uniform(0.1, 2, len(X))
    expected = classifier().fit(X, y, sample_weight=weight).ticket_
    assert transformer(classifier()).fit(X, y, sample_weight=weight).estimator_.ticket_ == expected
    with config_context(enable_metadata_routing=True):
        routed = transformer(classifier().set_fit_request(sample_weight=True))
        model = make_pipeline(FunctionTransformer(), routed)
        model.fit(X, y, sample_weight=weight)
        assert model[-1].estimator_.ticket_ == expected
        ignored = transformer(classifier().set_fit_request(sample_weight=False))
        with pytest.raises(TypeError, match="sample_weight"):
            ignored.fit(X, y, sample_weight=weight)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            transformer(classifier()).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_copies(transformer):
    fitted = transformer(classifier()).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(X), fitted.transform(X))
    assert not hasattr(clone(fitted), "estimator_")
    np.testing.assert_array_equal(clone(fitted).fit_transform(X, y), fitted.transform(X))


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_data_frames(transformer):
    fitted = transformer(classifier(rounds=9)).set_output(transform="pandas").fit(frame, y)
    transformed = fitted.transform(frame)
    assert isinstance(transformed, pd.DataFrame)
    assert list(transformed.columns) == list(fitted.get_feature_names_out())
    assert transformed.index.equals(frame.index)
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(frame.rename(columns={"feature 0": "other"}))


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_grid_search_reaches_the_estimator(transformer):
    model = make_pipeline(transformer(classifier()), LogisticRegression())
    name = transformer.__name__.lower()
    grid = {f"{name}__estimator__rounds": [0, 1], f"{name}__estimator__strategy": ["snip"]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert search.score(X, y) > 0.5


# The last hidden layer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rounds", [1, 12])  # dense and sparse prediction
@pytest.mark.parametrize("sizes", [(6,), (6, 5), (7, 6, 5)])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_last_hidden_layer(make, sizes, rounds, dtype):
    inputs, targets = (X, y) if make is classifier else (X_regression, y_regression)
    fitted = TicketTransformer(make(hidden_layer_sizes=sizes, rounds=rounds)).fit(inputs, targets)
    activations = fitted.transform(inputs.astype(dtype))
    assert activations.dtype == dtype
    assert activations.shape == (len(inputs), sizes[-1])
    ticket = fitted.estimator_.ticket_
    *_, expected, _ = reference.units(ticket.weights, inputs.astype(dtype), ticket.mask)
    tolerance = {np.float32: 1e-5, np.float64: 1e-12}[dtype]
    np.testing.assert_allclose(activations, expected, rtol=tolerance, atol=tolerance)
    names = [f"tickettransformer{i}" for i in range(sizes[-1])]
    assert list(fitted.get_feature_names_out()) == names


def test_output_layer_on_top_is_the_prediction():
    fitted = TicketTransformer(classifier()).fit(X, y)
    ticket = fitted.estimator_.ticket_
    outputs = fitted.transform(X) @ ticket.weights["layers.2.weight"].T
    outputs += ticket.weights["layers.2.bias"]
    assert_labels(fitted.estimator_.predict(X), outputs)


def test_without_hidden_layers():
    fitted = TicketTransformer(classifier(hidden_layer_sizes=())).fit(X, y)
    np.testing.assert_array_equal(fitted.transform(X), X)


class Convolutional(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Unflatten(1, (1, 2, 4)),
            nn.Conv2d(1, 3, 2),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(9, 3),
        )


class FullyConvolutional(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Unflatten(1, (1, 8)),
            nn.Conv1d(1, 4, 3),
            nn.Tanh(),
            nn.Conv1d(4, 3, 6),
            nn.Flatten(),
        )


class Plain(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, X):
        return self.layer(X) + self.layer(-2 * X)


def with_net(module, **parameters):
    net = NeuralNetClassifier(
        module, criterion=nn.CrossEntropyLoss, max_epochs=2, batch_size=30, verbose=0
    )
    return classifier(net=net, **parameters)


@pytest.mark.parametrize(
    "module, n_units", [(Convolutional, 9), (FullyConvolutional, 24), (Plain, 5)]
)
def test_last_hidden_layer_of_other_networks(module, n_units):
    fitted = TicketTransformer(with_net(module)).fit(X, y)
    assert len(fitted.get_feature_names_out()) == n_units
    activations = fitted.transform(X)
    assert activations.shape == (len(X), n_units)
    assert activations.dtype == np.float32
    last = fitted.estimator_.net_.module_[-1 if module is not FullyConvolutional else -2]
    weights = last.weight.detach().numpy().reshape(3, -1)
    outputs = activations @ weights.T + last.bias.detach().numpy()
    probabilities = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        fitted.estimator_.predict_proba(X), probabilities, rtol=1e-4, atol=1e-6
    )
    # Nothing stays behind in the module.
    assert not last._forward_pre_hooks


def test_module_that_runs_its_last_layer_twice():
    with pytest.raises(ValueError, match="'layer', once on each row"):
        TicketTransformer(with_net(Twice, rounds=0)).fit(X, y)


# Features in use


def with_masks(*masks):
    """A fitted estimator whose ticket has these masks."""
    sizes = [len(mask) for mask in masks[:-1]]
    clf = classifier(hidden_layer_sizes=sizes, rounds=0).fit(X, y)
    weights = dict(clf.ticket_.weights)
    masks = dict(zip(clf.ticket_.mask, (np.array(m, bool) for m in masks), strict=True))
    clf._set_ticket(clf._build_search(), Ticket(clf.ticket_.initial, masks, weights))
    return clf


def test_features_in_use_on_paper():
    into = np.zeros((4, 8), bool)
    into[0, 0] = into[0, 2] = True  # into a unit on the way to an output
    into[1, 3] = True  # into a unit that leads to the next layer and no further
    into[2, 4] = True  # into a unit that leads nowhere
    into[3, 5] = True
    between = np.zeros((2, 4), bool)
    between[0, 0] = between[1, 1] = between[0, 3] = True
    out = np.zeros((3, 2), bool)
    out[1, 0] = True
    clf = with_masks(into, between, out)
    selector = TicketSelector(clf, prefit=True).fit(X)
    assert selector.get_support(indices=True).tolist() == [0, 2, 5]
    assert selector.support_.sum() == 3
    np.testing.assert_array_equal(selector.transform(X), X[:, [0, 2, 5]])
    assert selector.get_feature_names_out().tolist() == ["x0", "x2", "x5"]
    restored = selector.inverse_transform(selector.transform(X))
    np.testing.assert_array_equal(restored, X * selector.support_)


def test_no_feature_in_use():
    out = np.zeros((3, 4), bool)
    out[0, 0] = True
    into = np.zeros((4, 8), bool)
    into[1, 1] = True
    selector = TicketSelector(with_masks(into, out), prefit=True).fit(X)
    with pytest.warns(UserWarning, match="No features were selected"):
        assert selector.transform(X).shape == (len(X), 0)


def test_other_features_change_nothing():
    selector = TicketSelector(classifier(rounds=12)).fit(X, y)
    assert 0 < selector.support_.sum() < 8
    changed = np.where(selector.support_, X, 100.0)
    clf = selector.estimator_
    np.testing.assert_array_equal(clf.predict_proba(changed), clf.predict_proba(X))


def test_features_in_use_of_other_networks():
    selector = TicketSelector(with_net(Plain, rounds=12)).fit(X, y)
    first = selector.estimator_.ticket_.mask["0.weight"]
    np.testing.assert_array_equal(selector.support_, first.any(axis=0))
    with pytest.raises(ValueError, match=r"features themselves.*\(3, 1, 2, 2\), for 8 features"):
        TicketSelector(with_net(Convolutional)).fit(X, y)


# SelectFromModel


@pytest.mark.parametrize("threshold", [None, "median", 1e-12])
def test_select_from_model(threshold):
    selector = SelectFromModel(classifier(rounds=9), threshold=threshold).fit(X, y)
    importances = classifier(rounds=9).fit(X, y).feature_importances_
    limits = {None: importances.mean(), "median": np.median(importances), 1e-12: 1e-12}
    np.testing.assert_array_equal(selector.get_support(), importances >= limits[threshold])


def test_select_from_model_in_a_pipeline_with_data_frames():
    model = make_pipeline(
        StandardScaler(),
        SelectFromModel(classifier(), threshold=-np.inf, max_features=3),
        LogisticRegression(),
    ).set_output(transform="pandas")
    model.fit(frame, y)
    selected = model[:-1].transform(frame)
    assert list(selected.columns) == list(model[:-1].get_feature_names_out())
    assert len(selected.columns) == 3
    assert set(selected.columns) <= set(frame.columns)
    assert selected.index.equals(frame.index)
    assert model.score(frame, y) > 0.5


def test_select_from_model_by_hand():
    selector = SelectFromModel(classifier()).partial_fit(X, y)
    assert selector.estimator_.tickets_ == classifier().partial_fit(X, y).tickets_
    assert SelectFromModel(regressor()).fit(X_regression, y_regression).get_support().any()
