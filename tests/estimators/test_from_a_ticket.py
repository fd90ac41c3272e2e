"""A search that starts from a ticket."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from small import (
    X,
    X_regression,
    classifier,
    layer_counts,
    regressor,
    remaining_after,
    same_results,
    with_net,
    y,
    y_regression,
)

from skticket import Prune, Ticket, WinningTicketClassifier
from skticket.model_selection import fit_controls, ticket_test_score

other_X, other_y = X[::-1] + 0.1, y[::-1]


@pytest.fixture(scope="module")
def ticket():
    return classifier().fit(X, y).ticket_


def test_a_saved_ticket_is_trained_on_other_rows(ticket, tmp_path):
    ticket.save(tmp_path / "ticket.safetensors")
    loaded = Ticket.load(tmp_path / "ticket.safetensors")
    clf = classifier(ticket=loaded, rounds=0, hidden_layer_sizes=(99,)).fit(other_X, other_y)
    assert list(clf.round_results_["n_weights"]) == [ticket.n_weights]
    for name, mask in ticket.mask.items():
        np.testing.assert_array_equal(clf.ticket_.mask[name], mask)
        assert not clf.ticket_.weights[name][~mask].any()
        assert (clf.ticket_.weights[name] != ticket.weights[name])[mask].any()
    for name, array in ticket.initial.items():
        np.testing.assert_array_equal(clf.ticket_.initial[name], array)
    assert clf.score(other_X, other_y) > 0.5


def test_on_the_rows_it_was_found_on_it_is_what_it_was():
    first = classifier(rounds=0).fit(X, y)
    assert classifier(rounds=0, ticket=first.ticket_).fit(X, y).ticket_ == first.ticket_


def test_later_rounds_prune_it_further(ticket):
    clf = classifier(ticket=ticket, rounds=2).fit(other_X, other_y)
    *hidden, last = layer_counts(ticket)
    expected = [remaining_after(0.3, n, 2) for n in hidden] + [remaining_after(0.15, last, 2)]
    assert layer_counts(clf.ticket_) == expected
    by_hand = classifier(ticket=ticket, rounds=2).partial_fit(other_X, other_y)
    for _ in range(2):
        by_hand.prune().rewind().partial_fit(other_X, other_y)
    assert by_hand.ticket_ == clf.ticket_
    one_shot = classifier(ticket=ticket, rounds=2, schedule="one-shot").fit(other_X, other_y)
    assert layer_counts(one_shot.ticket_) == expected


def test_the_ticket_itself_is_the_reference(ticket):
    clf = classifier(ticket=ticket, rounds=1, prune_rate=0.01).fit(X, y)
    results = clf.round_results_
    assert not results["is_winning"][0]
    assert results["iterations_to_match"][0] <= results["iterations_to_converge"][0]
    assert classifier(ticket=ticket, select="winning", rounds=0).fit(X, y).selected_round_ == 0


@pytest.mark.parametrize("rewind_to", [2, "none", "reinit", "rearrange"])
def test_every_way_to_rewind(ticket, rewind_to):
    clf = classifier(ticket=ticket, rounds=1, rewind_to=rewind_to).fit(other_X, other_y)
    assert clf.ticket_.n_weights < ticket.n_weights
    # What an earlier search remembered of its steps is none of this one's.
    assert list(clf.ticket_.checkpoints) == ([2] if rewind_to == 2 else [])


def test_regression_of_two_outputs():
    targets = np.column_stack([y_regression, y_regression**2])
    first = regressor().fit(X_regression, targets)
    again = regressor(ticket=first.ticket_, rounds=0).fit(X_regression[::-1], targets[::-1])
    assert again.ticket_.n_weights == first.ticket_.n_weights
    assert again.predict(X_regression).shape == targets.shape


def test_two_classes():
    first = classifier().fit(X, y == 1)
    again = classifier(ticket=first.ticket_, rounds=0).fit(
        other_X, np.where(other_y == 1, "a", "b")
    )
    assert set(again.predict(X)) <= {"a", "b"}


def test_several_labels_a_row():
    indicators = (X[:, :3] > 0).astype(int)
    first = classifier().fit(X, indicators)
    again = classifier(ticket=first.ticket_, rounds=0).fit(other_X, indicators[::-1])
    assert again.predict(X).shape == indicators.shape
    assert again.ticket_.n_weights == first.ticket_.n_weights


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_layouts_agree(ticket, layout):
    clf = classifier(ticket=ticket, rounds=0, layout=layout).fit(other_X, other_y)
    reference = classifier(ticket=ticket, rounds=0).fit(other_X, other_y)
    np.testing.assert_allclose(
        clf.predict_proba(X), reference.predict_proba(X), rtol=1e-4, atol=1e-4
    )


def test_a_net_of_ones_own():
    first = with_net().fit(X, y)
    again = with_net(ticket=first.ticket_, rounds=0).fit(other_X, other_y)
    assert again.ticket_.n_weights == first.ticket_.n_weights
    assert list(again.ticket_.mask) == list(first.ticket_.mask)
    found = again.net_.module_.state_dict()["layers.0.weight"].numpy()
    np.testing.assert_array_equal(found, again.ticket_.weights["layers.0.weight"])


def test_double_precision_is_the_networks_single(ticket):
    arrays = {name: array.astype(np.float64) for name, array in ticket.initial.items()}
    clf = classifier(ticket=Ticket(arrays, ticket.mask), rounds=0).fit(X, y)
    assert clf.ticket_ == classifier(ticket=ticket, rounds=0).fit(X, y).ticket_


def test_warm_start(ticket, n_trained):
    clf = classifier(ticket=ticket, rounds=1, warm_start=True).fit(other_X, other_y)
    clf.set_params(rounds=2).fit(other_X, other_y)
    assert len(n_trained) == 3
    whole = classifier(ticket=ticket, rounds=2).fit(other_X, other_y)
    assert whole.ticket_ == clf.ticket_
    assert same_results(whole.round_results_, clf.round_results_)
    n_trained.clear()
    # Another ticket is another search.
    pruned = Prune(0.5).transform(ticket)
    clf.set_params(ticket=pruned).fit(other_X, other_y)
    assert len(n_trained) == 3
    assert clf.round_results_["n_weights"][0] == pruned.n_weights
    # An equal one, such as a loaded one, is the same.
    n_trained.clear()
    clf.set_params(ticket=pickle.loads(pickle.dumps(pruned))).fit(other_X, other_y)
    assert not n_trained


def test_memory(ticket, n_trained, tmp_path):
    first = classifier(ticket=ticket, rounds=1, memory=str(tmp_path)).fit(other_X, other_y)
    again = classifier(ticket=ticket, rounds=1, memory=str(tmp_path)).fit(other_X, other_y)
    assert len(n_trained) == 2
    assert again.ticket_ == first.ticket_
    pruned = Prune(0.5).transform(ticket)
    classifier(ticket=pruned, rounds=0, memory=str(tmp_path)).fit(other_X, other_y)
    assert len(n_trained) == 3


def test_clones_and_copies_keep_it(ticket):
    clf = classifier(ticket=ticket, rounds=0)
    assert clone(clf).ticket == ticket
    assert pickle.loads(pickle.dumps(clf)).ticket == ticket
    assert "ticket=Ticket(density" in repr(clf)


def test_controls(ticket):
    clf = classifier(ticket=ticket, rounds=0).fit(other_X, other_y)
    for control in fit_controls(clf, other_X, other_y, n_controls=2):
        assert control.ticket_.n_weights == ticket.n_weights
        assert control.ticket_ != clf.ticket_
    result = ticket_test_score(
        classifier(ticket=ticket, rounds=0), other_X, other_y, control="rearrange", n_controls=2
    )
    assert result.density == ticket.density
    assert result.control_scores.shape == (2,)


# What does not fit


def test_data_of_another_shape(ticket):
    clf = classifier(ticket=ticket)
    with pytest.raises(ValueError, match="ticket takes 6 inputs, but X has 5 features"):
        clf.fit(X[:, :5], y)
    with pytest.raises(ValueError, match="ticket has 3 outputs, but y needs 1"):
        clf.fit(X, y == 1)
    with pytest.raises(ValueError, match="ticket has 3 outputs, but y needs 1"):
        regressor(ticket=ticket).fit(X, y_regression)
    with pytest.raises(ValueError, match="ticket takes 6 inputs, but X has 5 features"):
        clf.partial_fit(X[:, :5], y)
    assert not hasattr(clf, "ticket_")


def test_a_ticket_of_another_network(ticket):
    convolution = Ticket.full({"0.weight": np.ones((3, 1, 2, 2))}, ["0.weight"])
    with pytest.raises(ValueError, match=r"not one of the default network.*'0.weight'"):
        classifier(ticket=convolution).fit(X, y)
    named = Ticket.full({"0.weight": np.ones((3, 6)), "0.bias": np.ones(3)}, ["0.weight"])
    with pytest.raises(ValueError, match="give the net"):
        classifier(ticket=named).fit(X, y)
    partly = Ticket(ticket.initial, {"layers.0.weight": ticket.mask["layers.0.weight"]})
    with pytest.raises(ValueError, match="not one of"):
        classifier(ticket=partly).fit(X, y)
    with pytest.raises(ValueError, match=r"not one of this network.*layers\.0\.weight"):
        with_net(ticket=ticket).fit(X, y)


@pytest.mark.parametrize("ticket", ["ticket.safetensors", 3, {}])
def test_anything_else(ticket):
    with pytest.raises(ValueError, match="'ticket' parameter.*instance of 'skticket.*Ticket'"):
        WinningTicketClassifier(ticket=ticket).fit(X, y)


def test_more_rounds_than_it_bears():
    arrays = {"layers.0.weight": np.ones((3, 6)), "layers.0.bias": np.zeros(3)}
    mask = {"layers.0.weight": np.eye(3, 6, dtype=bool)}
    clf = classifier(ticket=Ticket(arrays, mask), prune_rate=2, rounds=2)
    with pytest.raises(ValueError, match="prune"):
        clf.fit(X, y)
