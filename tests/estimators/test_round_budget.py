"""`round_budget`: rounds that only find the next ticket are cut short."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier
from small import Dropping, X, X_regression, classifier, regressor, y, y_regression
from torch import nn
from torch.utils.data import DataLoader

from skticket.model_selection import fit_controls, ticket_test_score

# 135 rows to train on in batches of 15: nine steps an epoch, 90 in full.
SETTINGS = {"rounds": 6, "max_epochs": 10, "batch_size": 15, "evaluate_every": 3}
STEPS = 90


def search(**parameters):
    return classifier(**(SETTINGS | parameters))


def shares(fitted, budget):
    return [min(1, budget / density) for density in fitted.round_results_["density"]]


def steps(trainings):
    return [settings["n_steps"] for settings in trainings]


@pytest.mark.parametrize("budget", [0.05, 0.2, 0.5])
def test_steps_of_each_round(budget):
    fitted = search(round_budget=budget).fit(X, y)
    wanted = [max(3, round(share * STEPS)) for share in shares(fitted, budget)]
    wanted[0] = wanted[-1] = STEPS
    assert list(fitted.round_results_["n_steps"]) == wanted
    assert fitted.n_iter_ == STEPS
    lasts = [history[-1, "iteration"] for history in fitted.histories_]
    assert lasts == wanted


def test_at_least_one_evaluation():
    fitted = search(round_budget=1e-3, evaluate_every=40).fit(X, y)
    assert list(fitted.round_results_["n_steps"]) == [90, 40, 40, 40, 40, 40, 90]
    fitted = search(round_budget=1e-3, evaluate_every=400).fit(X, y)
    assert list(fitted.round_results_["n_steps"]) == [90] * 7


def test_a_budget_of_one_is_the_paper():
    assert search(round_budget=1.0).fit(X, y).tickets_ == search().fit(X, y).tickets_


def test_a_short_training_is_the_beginning_of_the_whole():
    whole, short = search(rounds=1).fit(X, y), search(rounds=2, round_budget=0.3).fit(X, y)
    n = len(short.histories_[1])
    assert n < len(whole.histories_[1])
    # Evaluations that fall on the grid of both are the same to the bit.
    for name in ("iteration", "valid_loss", "valid_score"):
        assert short.histories_[1][: n - 1, name] == whole.histories_[1][: n - 1, name]


@pytest.mark.parametrize("select", ["winning", "best"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [classifier, regressor])
def test_what_predicts_was_trained_in_full(select, seed, make):
    parameters = SETTINGS | {"round_budget": 0.2, "select": select, "random_state": seed}
    data = (X, y) if make is classifier else (X_regression, y_regression)
    fitted = make(**parameters).fit(*data)
    results, chosen = fitted.round_results_, fitted.selected_round_
    assert results["n_steps"][chosen] == fitted.n_iter_ == STEPS
    assert fitted.ticket_ == fitted.tickets_[chosen]
    in_full = results["n_steps"] == STEPS
    if select == "best":
        assert results["valid_score"][chosen] == np.nanmax(results["valid_score"])
    elif chosen:
        assert results["is_winning"][chosen] and not results["is_winning"][chosen + 1 :].any()
    if select == "winning":
        # What is sparser was given its chance, or had lost it by the time it ended.
        losers = ~in_full[chosen + 1 :]
        until = results["iterations_to_converge"][0]
        assert (results["n_steps"][chosen + 1 :][losers] >= until).all()
        gains = results["early_loss"][0] - results["early_loss"][chosen + 1 :]
        # Of 15 rows: 1.76 standard errors are exceeded by chance one time in twenty.
        assert (gains <= 1.77 * results["early_loss_error"][chosen + 1 :])[losers].all()
    # The rounds after it went on from the shorter training, as if nothing were selected.
    last = make(**parameters | {"select": "last"}).fit(*data)
    for number in range(1, SETTINGS["rounds"]):
        mine, its = fitted.tickets_[number], last.tickets_[number]
        assert all((mine.mask[name] == its.mask[name]).all() for name in its.mask)


def test_candidates_are_trained_only_until_one_serves(n_trained):
    fitted = search(round_budget=0.1, select="winning", prune_rate=0.1, rounds=4).fit(X, y)
    chosen = fitted.selected_round_
    n_in_full = steps(n_trained).count(STEPS)
    assert len(n_trained) == 5 + n_in_full - 1
    assert n_in_full <= 1 + (4 - chosen + 1)


@pytest.mark.parametrize("select", ["last", "winning", "best"])
@pytest.mark.parametrize("budget", [0.1, 0.6])
def test_warm_start_gives_what_a_fit_anew_gives(select, budget, n_trained):
    parameters = {"round_budget": budget, "select": select}
    warm = search(warm_start=True, rounds=2, **parameters).fit(X, y)
    for rounds in (5, 3):
        warm.set_params(rounds=rounds).fit(X, y)
        cold = search(rounds=rounds, **parameters).fit(X, y)
        assert warm.tickets_ == cold.tickets_ and warm.ticket_ == cold.ticket_
        for name in cold.round_results_.keys() - {"fit_time"}:
            np.testing.assert_array_equal(warm.round_results_[name], cold.round_results_[name])


def test_warm_start_and_memory_share_what_budgets_share(tmp_path, n_trained):
    warm = search(warm_start=True, round_budget=0.2, rounds=3).fit(X, y)
    n_trained.clear()
    # Round 0 alone; the same short rounds; the last one in full.
    warm.set_params(rounds=4).fit(X, y)
    assert len(n_trained) == 2
    n_trained.clear()
    warm.set_params(round_budget=0.1).fit(X, y)
    assert STEPS not in steps(n_trained)[:-1] and len(n_trained) == 4
    for budget in (0.2, 0.1, 1.0):
        n_trained.clear()
        fitted = search(memory=str(tmp_path), round_budget=budget).fit(X, y)
        assert len(n_trained) == (7 if budget == 0.2 else 6)
        assert fitted.tickets_ == search(round_budget=budget).fit(X, y).tickets_


def test_with_an_end_where_nothing_improves():
    fitted = search(round_budget=0.3, n_iter_no_change=2, learning_rate=0.2).fit(X, y)
    results = fitted.round_results_
    wanted = [max(3, round(share * STEPS)) for share in shares(fitted, 0.3)]
    wanted[0] = wanted[-1] = STEPS
    assert (results["n_steps"] <= wanted).all() and (results["n_steps"] < wanted).any()


def test_one_shot_and_by_hand_are_trained_in_full():
    fitted = search(round_budget=0.1, schedule="one-shot").fit(X, y)
    assert list(fitted.round_results_["n_steps"]) == [STEPS, STEPS]
    by_hand = search(round_budget=0.1).partial_fit(X, y).prune().rewind().partial_fit(X, y)
    assert list(by_hand.round_results_["n_steps"]) == [STEPS, STEPS]


class Rows(DataLoader):
    """Batches of one's own."""


def test_batches_of_ones_own_are_cut_by_epochs():
    net = NeuralNetClassifier(
        Dropping, criterion=nn.CrossEntropyLoss, iterator_train=Rows, max_epochs=10, batch_size=15
    )
    fitted = search(net=net, round_budget=0.2, rounds=3).fit(X, y)
    epochs = [len(history) for history in fitted.histories_]
    assert epochs == [10, *[round(10 * share) for share in shares(fitted, 0.2)[1:3]], 10]


def test_controls_train_in_full():
    fitted = search(round_budget=0.2).fit(X, y)
    (control,) = fit_controls(fitted, X, y, n_controls=1)
    assert control.n_iter_ == STEPS
    test = ticket_test_score(search(round_budget=0.2), X, y, n_controls=1)
    assert 0 < test.pvalue <= 1


def test_a_grid_of_budgets(n_trained):
    grid = GridSearchCV(search(rounds=2), {"round_budget": [0.2, 1.0]}, cv=2).fit(X, y)
    assert len(grid.cv_results_["params"]) == 2
    assert min(steps(n_trained)) < max(steps(n_trained))


def test_a_callback_that_ends_a_round_ends_the_search():
    class Stop:
        max_propagation_depth = 0

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, *args, **kwargs):
            pass

        def on_fit_task_end(self, *args, **kwargs):
            return True

        def teardown(self, estimator, context):
            pass

    fitted = search(round_budget=0.2, select="winning").set_callbacks(Stop()).fit(X, y)
    assert len(fitted.tickets_) == 1


@pytest.mark.parametrize("budget", [0, -0.5, 1.5, "half", None])
def test_bad_budgets(budget):
    with pytest.raises(ValueError, match="round_budget"):
        search(round_budget=budget).fit(X, y)
