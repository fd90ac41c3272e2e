"""Losses and scores of parts of the validation rows, from which standard errors come."""

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback
from small import Dropping, X, X_regression, classifier, regressor, y, y_regression
from torch import nn
from torch.utils.data import DataLoader, Subset

from skticket.training._parts import Parts

LABELS = np.stack([y == 0, y > 0], axis=1).astype(int)
BOTH = np.stack([y_regression, X_regression[:, 0]], axis=1)


class Single(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(6, 1))


class Linear(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(6, 3))


class Probabilities(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(6, 3), nn.Softmax(dim=-1))


class WithPenalty(NeuralNetClassifier):
    def get_loss(self, *args, **kwargs):
        return super().get_loss(*args, **kwargs) + 0.01


class WithPenaltyOfValidation(NeuralNetClassifier):
    def validation_step(self, *args, **kwargs):
        step = super().validation_step(*args, **kwargs)
        return step | {"loss": step["loss"] + 0.01}


class OwnLoss(nn.CrossEntropyLoss):
    def forward(self, outputs, true):
        return super().forward(outputs, true) ** 2


def own(module=Dropping, criterion=nn.CrossEntropyLoss, kind=NeuralNetClassifier, **options):
    options = {"lr": 0.1, "max_epochs": 2, "batch_size": 30, "verbose": 0} | options
    return {"net": kind(module, criterion=criterion, **options)}


WEIGHT = np.arange(len(X)) % 4 + 0.5
TOLD = {
    "classes": (classifier, {}, y, None),
    "two classes": (classifier, {}, y == 0, None),
    "labels": (classifier, {}, LABELS, None),
    "weights": (classifier, {}, y, WEIGHT),
    "numbers": (regressor, {}, y_regression, WEIGHT),
    "several numbers": (regressor, {}, BOTH, None),
    "own net": (classifier, own(), y, None),
    "probabilities": (classifier, own(Probabilities, nn.NLLLoss), y, None),
    "weights of classes": (
        classifier,
        own(criterion__weight=torch.tensor([1.0, 2.0, 5.0])),
        y,
        None,
    ),
    "own regressor": (
        regressor,
        own(Single, nn.SmoothL1Loss, NeuralNetRegressor),
        BOTH[:, 0],
        None,
    ),
}


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("validation_fraction", [0.1, 0.9])
def test_parts_add_up_to_the_whole(name, validation_fraction):
    make, parameters, target, weight = TOLD[name]
    options = {"validation_fraction": validation_fraction, "batch_size": 10, "max_epochs": 2}
    options |= {} if "net" not in parameters else {"batch_size": "auto"}
    data = X_regression if make is regressor else X
    fitted = make(**options, **parameters).fit(data, target, sample_weight=weight)
    first, *others = fitted._run.trained
    assert first.loss_parts.shape[1] == (100 if validation_fraction == 0.9 else 15)
    for trained in (first, *others):
        losses = trained.loss_parts @ trained.part_shares
        np.testing.assert_allclose(losses, trained.valid_loss, rtol=1e-5)
        score = trained.score_parts @ trained.part_shares
        wanted = trained.valid_score[trained.convergence]
        assert score + (make is regressor) == pytest.approx(wanted, abs=1e-5)
    errors = fitted.round_results_["early_loss_error"]
    assert errors[0] == 0 and (errors[1:] > 0).all() and np.isfinite(errors).all()


@pytest.mark.parametrize(
    "parameters",
    [own(kind=WithPenalty), own(kind=WithPenaltyOfValidation), own(criterion=OwnLoss)],
    ids=["get_loss", "validation_step", "criterion"],
)
def test_what_is_not_known_row_by_row_is_not_made_up(parameters):
    results = classifier(**parameters).fit(X, y).round_results_
    assert np.isnan(results["early_loss_error"]).all()
    assert np.isfinite(results["converged_score_error"]).all()


def test_who_listens_to_the_loss_hears_of_batches_alone():
    heard = []

    def listen(module, inputs, output):
        heard.append(output.ndim)

    class Listening(NeuralNetClassifier):
        def initialize_criterion(self):
            super().initialize_criterion()
            self.criterion_.register_forward_hook(listen)
            return self

    results = classifier(**own(kind=Listening)).fit(X, y).round_results_
    assert set(heard) == {0}
    assert np.isnan(results["early_loss_error"]).all()


class ListeningLater(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 1:
            net.criterion_.register_forward_hook(lambda *args: None)


def test_what_is_not_known_from_some_evaluation_on_is_not_made_up():
    results = classifier(**own(callbacks=[ListeningLater])).fit(X, y).round_results_
    assert np.isnan(results["early_loss_error"]).all()


@pytest.mark.parametrize("losses", [(nn.CrossEntropyLoss, OwnLoss), (OwnLoss, nn.CrossEntropyLoss)])
def test_what_is_not_known_of_one_network_alone_is_not_made_up(losses):
    clf = classifier(**own(criterion=losses[0]))
    clf.partial_fit(X, y).prune().rewind().set_params(net__criterion=losses[1])
    assert np.isnan(clf.partial_fit(X, y).round_results_["early_loss_error"][1])


class FewerEachTime:
    """Batches of all rows but so many as have been asked for before."""

    def __init__(self, rows, batch_size):
        self.rows = rows

    def __iter__(self):
        self.rows.n_asked = getattr(self.rows, "n_asked", -1) + 1
        rows = range(len(self.rows) - self.rows.n_asked)
        return iter(DataLoader(Subset(self.rows, rows), batch_size=8))


@pytest.mark.parametrize("validation_fraction", [0.1, 0.9])
def test_other_rows_each_time_tell_nothing(validation_fraction):
    net = own(iterator_valid=FewerEachTime)
    fitted = classifier(validation_fraction=validation_fraction, **net).fit(X, y)
    for name in ("early_loss_error", "converged_score_error"):
        assert np.isnan(fitted.round_results_[name]).all()


class Leaping(Callback):
    """Lets a ticket leap before its second evaluation, and back after it."""

    def on_train_begin(self, net, **kwargs):
        self.n_batches = 0

    def on_batch_end(self, net, training=False, **kwargs):
        self.n_batches += training
        if training and self.n_batches == 10 and (net.module_[0].weight == 0).any():
            self.kept = net.module_[0].weight.detach().clone()
            net.module_[0].weight.data *= 1e38

    def on_epoch_end(self, net, **kwargs):
        if self.n_batches == 10 and (net.module_[0].weight == 0).any():
            net.module_[0].weight.data = self.kept


def test_a_loss_that_is_infinite_for_a_while(recwarn):
    net = own(Linear, max_epochs=3, lr=1e-3, callbacks=[Leaping])
    results = classifier(**net).fit(X, y).round_results_
    assert np.isinf(results["early_loss"][2])
    assert not results["is_winning"].any()
    assert not [told for told in recwarn if told.category is RuntimeWarning]


def test_parts_of_no_weight_have_no_share():
    parts = Parts(np.array([0, 1, 3], np.float32))
    np.testing.assert_array_equal(parts.shares, [0, 0.25, 0.75])
    np.testing.assert_array_equal(parts.means(np.array([5.0, 6, 7])), [0, 6, 7])


@pytest.mark.parametrize("number", [1, 0.1, 1e6 / 3])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_a_number_that_never_differs_adds_nothing(number, weight):
    targets = np.stack([y_regression, np.full(len(X), number)], axis=1)
    fitted = regressor(normalize_y=False).fit(X_regression, targets, sample_weight=weight)
    errors = fitted.round_results_["converged_score_error"]
    assert (errors < 1).all()
