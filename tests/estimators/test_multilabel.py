"""Several labels a row: an indicator matrix for targets, and one logistic output a label."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import reference
import torch
from scipy import sparse
from scipy.special import expit
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import ClassifierChain
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from sklearn.utils import compute_sample_weight
from skorch import NeuralNet
from skorch.callbacks import Callback
from small import classifier, same_results

from skticket import TicketSelector, TicketTransformer, WinningTicketClassifier
from skticket.model_selection import fit_controls, ticket_scoring, ticket_test_score

X, Y = make_multilabel_classification(200, 8, n_classes=4, n_labels=2, random_state=0)
X = scale(X)
N_LABELS = Y.shape[1]


def own_net(module=None, criterion=torch.nn.BCEWithLogitsLoss, **parameters):
    module = torch.nn.Linear(8, N_LABELS) if module is None else module
    return NeuralNet(
        module, criterion=criterion, lr=0.5, max_epochs=20, batch_size=30, verbose=0, **parameters
    )


def with_own_net(**parameters):
    torch.manual_seed(0)
    return classifier(net=own_net(**parameters))


def test_what_it_predicts():
    clf = classifier(max_epochs=20).fit(X, Y)
    np.testing.assert_array_equal(clf.classes_, np.arange(N_LABELS))
    assert clf.net_.module_.layers[-1].out_features == N_LABELS
    probabilities, predicted = clf.predict_proba(X), clf.predict(X)
    assert probabilities.shape == predicted.shape == Y.shape
    assert predicted.dtype == int
    np.testing.assert_array_equal(predicted, probabilities > 0.5)
    outputs = reference.forward(clf.ticket_.weights, X, clf.ticket_.mask)
    np.testing.assert_allclose(probabilities, expit(outputs), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(clf.predict_log_proba(X), np.log(expit(outputs)), rtol=1e-5)
    # scikit-learn's score: all labels of a row must be right.
    assert clf.score(X, Y) == (predicted == Y).all(axis=1).mean() == accuracy_score(Y, predicted)


def test_log_probabilities_of_what_is_far_away_are_finite():
    clf = classifier().fit(X, Y)
    logs = clf.predict_log_proba(1e6 * X)
    assert np.isfinite(logs).all() and logs.min() < -1000


def test_it_learns_like_scikit_learns_network():
    X, Y = make_multilabel_classification(1500, 20, n_classes=5, n_labels=2, random_state=0)
    X = scale(X)
    ours = WinningTicketClassifier((50,), rounds=3, random_state=0).fit(X[:1000], Y[:1000])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = MLPClassifier((50,), random_state=0).fit(X[:1000], Y[:1000])
    # 500 rows: a standard error of .022 at most, and a few times that between two networks.
    assert ours.score(X[1000:], Y[1000:]) > theirs.score(X[1000:], Y[1000:]) - 0.06
    assert ours.density_ < 0.6


@pytest.mark.parametrize(
    "form",
    [
        lambda Y: Y.astype(bool),
        lambda Y: Y.astype(float),
        lambda Y: Y.tolist(),
        lambda Y: list(Y),
        np.asfortranarray,
        pd.DataFrame,
        sparse.csr_array,
        sparse.coo_matrix,
    ],
)
def test_forms_of_indicator_matrices(form):
    expected = classifier().fit(X, Y)
    clf = classifier().fit(X, form(Y))
    assert clf.tickets_ == expected.tickets_
    np.testing.assert_array_equal(clf.predict(X), expected.predict(X))
    assert clf.score(X, form(Y)) == expected.score(X, Y)


def test_a_single_column_is_a_column():
    with pytest.warns(UserWarning, match="column-vector"):
        clf = classifier().fit(X, Y[:, :1])
    assert clf.predict(X).shape == (len(X),)
    assert clf.ticket_ == classifier().fit(X, Y[:, 0]).ticket_


def test_labels_that_all_rows_have_or_none():
    constant = Y.copy()
    constant[:, 0], constant[:, 1] = 0, 1
    clf = classifier(max_epochs=30).fit(X, constant)
    predicted = clf.predict(X)
    assert (predicted[:, 0] == 0).all() and (predicted[:, 1] == 1).all()
    classifier().fit(X, np.zeros_like(Y))


@pytest.mark.parametrize(
    "labels, message",
    [
        (2 * Y, r"zeros and ones.*\[0 2\]"),
        (2 * Y - 1, r"zeros and ones.*\[-1  ?1\]"),
        (Y + np.arange(N_LABELS), r"zeros and ones.*\[0 1 2 3 4\]"),
        (Y + 0.5, r"zeros and ones.*\[0\.5 1\.5\]"),
        (np.where(Y == 1, "yes", "no"), r"zeros and ones"),
        (np.where(Y == 1, 1, np.nan), "NaN"),
        (Y[:, :, None], "dim 3"),
    ],
)
def test_other_columns_are_refused(labels, message):
    clf = classifier()
    with pytest.raises(ValueError, match=message):
        clf.fit(X, labels)
    assert not hasattr(clf, "classes_")


def test_later_calls_must_fit_the_first():
    clf = classifier().partial_fit(X, Y)
    for other in (Y[:, :-1], Y[:, 0]):
        with pytest.raises(ValueError, match=r"4 labels a row.*the first call"):
            clf.partial_fit(X, other)
    with pytest.raises(ValueError, match="class labels.*the first call"):
        classifier().partial_fit(X, Y[:, 0]).partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"classes must be .* 0 to 3"):
        classifier().partial_fit(X, Y, classes=[0, 1])
    # A new fit begins anew.
    assert clf.fit(X, Y[:, 0]).predict(X).shape == (len(X),)


def test_by_hand():
    by_hand = classifier().partial_fit(X, Y, classes=np.arange(N_LABELS)).prune().rewind()
    by_hand.partial_fit(X, Y)
    fitted = classifier(rounds=1).fit(X, Y)
    assert by_hand.ticket_ == fitted.ticket_
    assert same_results(by_hand.round_results_, fitted.round_results_)
    pruned = classifier(strategy="snip").partial_fit(X, Y).prune(X=X, y=Y)
    assert pruned.ticket_.density < 1


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_scores_and_losses_of_rounds(layout):
    clf = classifier(validation_fraction=0, max_epochs=10, layout=layout).fit(X, Y)
    for position, predicted in enumerate(clf.staged_predict(X)):
        ticket = clf.tickets_[position]
        outputs = reference.forward(ticket.weights, X, ticket.mask)
        losses, _ = reference.losses(outputs, Y, "binary_cross_entropy")
        results = {name: column[position] for name, column in clf.round_results_.items()}
        assert results["valid_loss"] == pytest.approx(losses.mean(), rel=1e-5)
        # One row may be on the other side by rounding.
        score = (predicted == Y).all(axis=1).mean()
        assert results["valid_score"] == pytest.approx(score, abs=1.01 / len(X))
        assert results["early_loss"] > 0


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_layouts_train_the_reference(layout):
    settings = {"layout": layout, "batch_size": len(X), "validation_fraction": 0, "rounds": 0}
    settings |= {"optimizer": "sgd", "learning_rate": 0.5, "max_epochs": 5, "alpha": 80}
    clf = classifier(**settings).fit(X, Y)
    ticket = clf.ticket_
    batches = [np.arange(len(X))] * 5
    expected, _ = reference.train(
        ticket.initial,
        X.astype(np.float32),
        Y,
        ticket.mask,
        batches,
        # As in scikit-learn, of the sum over the labels; the loss is the mean.
        reference.SGD(0.5, weight_decay=80 / len(X) / N_LABELS),
        loss="binary_cross_entropy",
    )
    for name, array in expected.items():
        # Five steps of a half, of means over 200 rows that are of the order of 1.
        np.testing.assert_allclose(ticket.weights[name], array, rtol=1e-4, atol=1e-5)


# Weights


def test_rows_of_weight_zero_are_left_out():
    weight = np.where(np.arange(len(X)) % 4 == 0, 0, 1.5)
    kept = weight > 0
    expected = classifier().fit(X[kept], Y[kept], sample_weight=weight[kept])
    spoiled = np.where(kept[:, None], Y, 1 - Y)
    assert classifier().fit(X, spoiled, sample_weight=weight).tickets_ == expected.tickets_


@pytest.mark.parametrize("by_class", ["balanced", [{0: 1.0, 1: 3.0}] * N_LABELS])
def test_class_weight_is_scikit_learns(by_class):
    clf = classifier(class_weight=by_class).fit(X, Y)
    weight = compute_sample_weight(by_class, Y)
    assert clf.tickets_ == classifier().fit(X, Y, sample_weight=weight).tickets_


@pytest.mark.parametrize(
    "by_class, message",
    [
        ({0: 1.0, 1: 3.0}, "list of dicts"),
        ([{0: 1.0, 1: 3.0}], "number of elements in class_weight"),
        ("heavy", "class_weight"),
    ],
)
def test_other_class_weights(by_class, message):
    with pytest.raises(ValueError, match=message):
        classifier(class_weight=by_class).fit(X, Y)


# What else takes estimators and targets


def test_copies_and_forms_of_prediction():
    clf = classifier(rounds=4).fit(X, Y)
    predicted = clf.predict_proba(X)
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), predicted)
    for form in (again.sparsify, again.densify):
        np.testing.assert_allclose(form().predict_proba(X), predicted, rtol=1e-6)


def test_memory_and_warm_start(n_trained, tmp_path):
    clf = classifier(rounds=1, memory=str(tmp_path), warm_start=True).fit(X, Y)
    clf.set_params(rounds=2).fit(X, Y.astype(bool))
    assert len(n_trained) == 3
    assert classifier(memory=str(tmp_path)).fit(X, Y).tickets_ == clf.tickets_
    assert len(n_trained) == 3
    clf.fit(X, 1 - Y)
    assert len(n_trained) == 6


def test_a_fit_that_fails_leaves_the_labels():
    clf = classifier().fit(X, Y)
    predicted = clf.predict(X)
    clf.set_params(optimizer="sgd", learning_rate=1e30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="diverged"):
            clf.fit(X, Y[:, 0])
    np.testing.assert_array_equal(clf.predict(X), predicted)
    with pytest.raises(ValueError, match="4 labels a row"):
        clf.partial_fit(X, Y[:, 0])


def test_a_useless_training_is_told():
    with pytest.warns(UserWarning, match="has learned nothing"):
        classifier(learning_rate=1e6).fit(X, Y)


def test_transformers():
    layer = TicketTransformer(classifier()).fit(X, Y)
    assert layer.transform(X).shape == (len(X), 8)
    assert TicketSelector(classifier()).fit(X, Y).get_support().any()


def test_model_selection():
    scores = cross_val_score(classifier(), X, Y, cv=3, scoring="f1_samples")
    assert np.isfinite(scores).all()
    search = GridSearchCV(
        classifier(),
        {"strategy": ["magnitude", "random"]},
        scoring=ticket_scoring("roc_auc"),
        refit="roc_auc",
        cv=2,
        error_score="raise",
    ).fit(X, Y)
    assert search.best_score_ > 0.5
    assert ClassifierChain(classifier(rounds=0)).fit(X, Y).predict(X).shape == Y.shape


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("cv", [None, 2])
def test_tests_against_controls(cv, form):
    # A row of a kind of its own, of which no stratified split has one on each side.
    Y_rare = np.where(np.arange(len(Y))[:, None] == 0, 1, Y)
    Y_rare[1:][Y_rare[1:].all(axis=1)] = 0
    result = ticket_test_score(classifier(), X, form(Y_rare), cv=cv, n_controls=2)
    assert result.control_scores.shape == (2,)
    clf = classifier().fit(X, Y)
    (control,) = fit_controls(clf, X, form(Y), n_controls=1)
    assert control.predict(X).shape == Y.shape
    assert control.ticket_.n_weights == clf.ticket_.n_weights


# Networks of one's own


class Sigmoid(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(8, N_LABELS), torch.nn.Sigmoid())


class Nothing(Callback):
    pass


@pytest.mark.parametrize(
    "parameters",
    [{}, {"callbacks": [Nothing()]}, {"module": Sigmoid, "criterion": torch.nn.BCELoss}],
)
def test_own_nets(parameters):
    clf = with_own_net(**parameters).fit(X, Y)
    probabilities = clf.predict_proba(X)
    assert probabilities.shape == Y.shape
    np.testing.assert_array_equal(clf.predict(X), probabilities > 0.5)
    np.testing.assert_allclose(clf.predict_log_proba(X), np.log(probabilities), rtol=1e-4)
    (layer,) = clf.ticket_.layers
    outputs = X @ clf.ticket_.weights[layer.weight].T + clf.ticket_.weights[layer.bias]
    np.testing.assert_allclose(probabilities, expit(outputs), rtol=1e-4, atol=1e-6)
    assert clf.score(X, Y) > 0.3
    assert clf.round_results_["valid_score"][-1] > 0.1


def test_own_nets_of_other_shapes():
    with pytest.raises(ValueError, match=r"must return shape \(2, 4\)"):
        with_own_net(module=torch.nn.Linear(8, 3)).fit(X, Y)
