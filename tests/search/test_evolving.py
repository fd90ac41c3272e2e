"""`schedule="evolving"`: a network that is sparse from birth."""

import pickle

import numpy as np
import pytest
from joblib import Memory
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from small import (
    REWINDS,
    X,
    X_regression,
    classifier,
    layer_counts,
    regressor,
    same_results,
    squares,
    with_net,
    y,
    y_regression,
)

from skticket import Ticket
from skticket.model_selection import ticket_test_score
from skticket.persistence import load_model, save_model
from skticket.pruning import Evolving, Magnitude
from skticket.training import Gradients

# 135 rows to train on in batches of 30: 15 steps in all, exchanges after 2, 4, ... 10.
OFTEN = Evolving(every=2, rate=0.4)


def search(**parameters):
    return classifier(**{"schedule": clone(OFTEN)} | parameters)


def test_counts_are_those_of_one_shot_layers_those_of_the_schedule():
    fitted = search().fit(X, y)
    one_shot = classifier(schedule="one-shot").fit(X, y)
    assert list(fitted.round_results_["round"]) == [0, 1]
    assert fitted.ticket_.n_weights == one_shot.ticket_.n_weights
    # 16, 18 and 11 of 45; the output layer has 24 weights, and place for its share.
    n = fitted.ticket_.n_weights
    exact = np.array([16, 18, 11]) * n / 45
    np.testing.assert_allclose(layer_counts(fitted.ticket_), exact, rtol=0, atol=1)
    assert fitted.selected_round_ == 1
    assert fitted.n_iter_ == 15


def test_the_reference_is_the_full_network_of_any_schedule():
    fitted, iterative = search().fit(X, y), classifier().fit(X, y)
    assert fitted.tickets_[0] == iterative.tickets_[0]
    assert fitted.round_results_["early_loss"][0] == iterative.round_results_["early_loss"][0]
    assert search(rounds=0).fit(X, y).tickets_ == fitted.tickets_[:1]


def test_what_grew_began_at_zero():
    fitted = search().fit(X, y)
    full, ticket = fitted.tickets_
    n_grown = 0
    for name, mask in ticket.mask.items():
        is_new = mask & (ticket.initial[name] != full.initial[name])
        assert (ticket.initial[name][is_new] == 0).all()
        n_grown += is_new.sum()
    assert n_grown > 10


@pytest.mark.parametrize("how", ["random", "gradient"])
def test_the_name_stands_for_the_defaults(how):
    # Exchanges would come after 100 steps, of 15.
    named, instance = (search(schedule=s).fit(X, y) for s in ("evolving", Evolving()))
    static = search(schedule=Evolving(rate=0, how=how)).fit(X, y)
    assert named.tickets_ == instance.tickets_ == static.tickets_
    assert named.ticket_ != search().fit(X, y).ticket_


@pytest.mark.parametrize("make", [search, with_net])
@pytest.mark.parametrize("how", ["random", "gradient"])
@pytest.mark.parametrize("rewind", REWINDS)
def test_every_way_to_begin(make, how, rewind):
    schedule = Evolving(every=2, how=how, n_rows=20)
    fitted = make(schedule=schedule, rewind_to=rewind).fit(X, y)
    assert fitted.tickets_[0].density == 1 > fitted.density_
    assert len(fitted.histories_) == 2
    assert 0 <= fitted.score(X, y) <= 1


@pytest.mark.parametrize(
    "strategy", [Magnitude(scope="global"), "movement", "random", "unit_product", squares]
)
def test_strategies_say_what_goes(strategy):
    fitted = search(strategy=strategy).fit(X, y)
    assert fitted.ticket_.n_weights < 0.8 * fitted.tickets_[0].n_weights
    assert fitted.ticket_ == search(strategy=strategy).fit(X, y).ticket_


@pytest.mark.parametrize("how", ["random", "gradient"])
def test_layouts_agree(how):
    """Up to rounding: one exchange, of which none of these is within it."""
    schedule = Evolving(every=8, how=how, n_rows=None)
    dense, sparse = (search(schedule=schedule, layout=n).fit(X, y) for n in ("dense", "sparse"))
    assert [t.engine for t in sparse._run.trained] == ["sparse", "sparse"]
    for name, mask in dense.ticket_.mask.items():
        np.testing.assert_array_equal(sparse.ticket_.mask[name], mask)
        # 15 steps of Adam, each of which makes of a gradient's error of 1% so much of 0.02.
        np.testing.assert_allclose(
            sparse.ticket_.weights[name], dense.ticket_.weights[name], rtol=0, atol=15 * 2e-4
        )
    first = "layers.0.weight"
    assert (dense.ticket_.initial[first][dense.ticket_.mask[first]] == 0).any()


def test_regression_and_own_nets():
    fitted = regressor(schedule=OFTEN).fit(X_regression, y_regression)
    assert np.isfinite(fitted.predict(X_regression)).all()
    assert fitted.density_ < 0.6


def test_it_is_reached_by_a_grid_and_shares_trainings(tmp_path, n_trained):
    grid = {"schedule__rate": [0.1, 0.5], "schedule__how": ["random", "gradient"]}
    model = search(memory=str(tmp_path), schedule=Evolving(every=2, n_rows=20))
    found = GridSearchCV(model, grid, cv=2, refit=False, error_score="raise").fit(X, y)
    # A fold: the full network once, and each candidate's own training.
    assert len(n_trained) == 2 * (1 + 4)
    again = GridSearchCV(model, grid, cv=2, refit=False, error_score="raise").fit(X, y)
    assert len(n_trained) == 2 * (1 + 4)
    for name, column in found.cv_results_.items():
        if "score" in name and "time" not in name:
            np.testing.assert_array_equal(again.cv_results_[name], column)


def test_memory_tells_strategies_apart(tmp_path, n_trained):
    for strategy in ("magnitude", "movement", "magnitude"):
        search(memory=str(tmp_path), strategy=strategy).fit(X, y)
    assert len(n_trained) == 3
    one_shot = search(memory=str(tmp_path), schedule="one-shot").fit(X, y)
    assert one_shot.ticket_ == classifier(schedule="one-shot").fit(X, y).ticket_


def test_each_exchange_takes_the_gradient_on_rows_of_its_own(monkeypatch):
    seeds = []
    of_loss = Gradients.of_loss

    def noted(self, ticket, n_rows=None):
        seeds.append((self.seed, n_rows))
        return of_loss(self, ticket, n_rows)

    monkeypatch.setattr(Gradients, "of_loss", noted)
    search(schedule=Evolving(every=2, how="gradient", n_rows=20)).fit(X, y)
    assert len(seeds) == len(set(seeds)) == 5
    assert {n_rows for _, n_rows in seeds} == {20}


def test_bits_do_not_depend_on_memory_or_copies(tmp_path):
    expected = search().fit(X, y)
    others = [
        search(memory=Memory(tmp_path, verbose=0)).fit(X, y),
        search(memory=Memory(tmp_path, verbose=0)).fit(X, y),
        search(warm_start=True).fit(X, y).fit(X, y),
        clone(search()).fit(X, y),
        pickle.loads(pickle.dumps(search())).fit(X, y),
    ]
    for other in others:
        assert other.tickets_ == expected.tickets_
        assert same_results(other.round_results_, expected.round_results_)


def test_warm_start(n_trained):
    fitted = search(warm_start=True).fit(X, y).fit(X, y)
    assert len(n_trained) == 2
    fitted.set_params(schedule__rate=0.2).fit(X, y)
    assert len(n_trained) == 4
    assert fitted.tickets_ == search(schedule=Evolving(every=2, rate=0.2)).fit(X, y).tickets_


def test_it_ends_where_nothing_improves():
    fitted = search(n_iter_no_change=2, max_epochs=40, learning_rate=0.1).fit(X, y)
    trained = fitted._run.trained[1]
    losses = trained.valid_loss
    assert len(losses) < 40 and losses[trained.kept] == losses.min()
    outputs = fitted.predict_proba(X)
    assert np.isfinite(outputs).all()


@pytest.mark.parametrize("select", ["winning", "best"])
def test_a_budget_cuts_the_sparse_training_until_it_may_predict(select):
    settings = {"max_epochs": 12, "evaluate_every": 2, "round_budget": 0.1, "select": select}
    fitted = search(**settings).fit(X, y)
    whole = search(**settings | {"round_budget": 1.0}).fit(X, y)
    assert fitted.round_results_["n_steps"][0] == 60
    if fitted.selected_round_ == 1:
        assert fitted.ticket_ == whole.ticket_
    else:
        assert fitted.ticket_ == whole.tickets_[0]


def test_by_hand():
    """`prune` makes the network that `fit` trains; `partial_fit` exchanges nothing."""
    by_hand = search().partial_fit(X, y).prune().rewind()
    born = by_hand.ticket_
    assert born.n_weights == search().fit(X, y).ticket_.n_weights
    trained = by_hand.partial_fit(X, y).ticket_
    for name, mask in born.mask.items():
        np.testing.assert_array_equal(trained.mask[name], mask)
    static = search(schedule=Evolving(rate=0)).fit(X, y)
    assert trained == static.ticket_
    assert by_hand.prune(0.5).ticket_.n_weights < born.n_weights


def test_from_a_ticket():
    first = classifier(rounds=1).fit(X, y).ticket_
    fitted = search(ticket=first).fit(X, y)
    assert fitted.tickets_[0].n_weights == first.n_weights > fitted.ticket_.n_weights
    again = search(ticket=fitted.ticket_, rounds=0).fit(X, y).ticket_
    assert again.n_weights == fitted.ticket_.n_weights
    assert isinstance(again, Ticket)


def test_controls_and_files(tmp_path):
    fitted = search().fit(X, y)
    scores = ticket_test_score(fitted, X, y, n_controls=2).control_scores
    assert np.isfinite(scores).all()
    save_model(fitted, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    assert loaded.ticket_ == fitted.ticket_
    assert loaded.schedule.get_params() == OFTEN.get_params()


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"schedule": "evolve"}, "'schedule' parameter"),
        ({"schedule": Evolving}, "'schedule' parameter"),
        ({"schedule": Evolving(rate=1.0)}, "'rate' parameter of Evolving"),
        ({"schedule": Evolving(rate=-0.1)}, "'rate' parameter of Evolving"),
        ({"schedule": Evolving(until=1.1)}, "'until' parameter of Evolving"),
        ({"schedule": Evolving(every=0)}, "'every' parameter of Evolving"),
        ({"schedule": Evolving(how="magnitude")}, "'how' parameter of Evolving"),
        ({"schedule": Evolving(decay="linear")}, "'decay' parameter of Evolving"),
        ({"schedule": Evolving(until=0.0)}, "'until' parameter of Evolving"),
        ({"schedule": Evolving(n_rows=0)}, "'n_rows' parameter of Evolving"),
        (
            {"strategy": "snip"},
            "^schedule='evolving' prunes by what has become of the weights, and strategy='snip' "
            "scores them at initialization; use another strategy, such as 'magnitude'$",
        ),
        ({"prune_rate": 30}, "would remove all"),
    ],
)
def test_bad_parameters_are_refused_before_any_training(parameters, message, n_trained):
    with pytest.raises(ValueError, match=message):
        search(**parameters).fit(X, y)
    assert not n_trained
