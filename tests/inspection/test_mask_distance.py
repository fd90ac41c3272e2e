"""`mask_distance` and its display."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from small import X, X_regression, classifier, regressor, y, y_regression

from skticket import Prune, Ticket
from skticket.inspection import MaskDistanceDisplay, mask_distance


def ticket_of(mask):
    mask = np.asarray(mask, bool)
    return Ticket({"w": np.ones(mask.shape)}, {"w": mask})


@given(data=st.data(), shape=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_distance_is_a_count(data, shape):
    n = shape[0] * shape[1]
    masks = st.lists(st.booleans(), min_size=n, max_size=n)
    first, second = (np.reshape(data.draw(masks), shape) for _ in range(2))
    tickets = ticket_of(first), ticket_of(second)
    found = mask_distance(*tickets)
    places = [{*np.flatnonzero(mask)} for mask in (first, second)]
    n_weights = len(places[0]) + len(places[1])
    assert found == (len(places[0] ^ places[1]) / n_weights if n_weights else 0)
    assert found == mask_distance(*tickets[::-1])
    assert 0 <= found <= 1
    assert mask_distance(tickets[0], tickets[0]) == 0


def test_equally_large_masks(random_ticket):
    """The share of one's weights that the other lacks; Hamming's, by twice the density."""
    first, second = (
        Prune(10, strategy).transform(random_ticket(density=1.1))
        for strategy in ("magnitude", "movement")
    )
    lacking = sum((m & ~second.mask[n]).sum() for n, m in first.mask.items()) / first.n_weights
    assert mask_distance(first, second) == pytest.approx(lacking, rel=1e-12)
    hamming = sum((m ^ second.mask[n]).sum() for n, m in first.mask.items())
    hamming /= sum(mask.size for mask in first.mask.values())
    assert hamming == pytest.approx(2 * first.density * lacking, rel=1e-12)


def test_of_other_architectures():
    with pytest.raises(ValueError, match="one architecture"):
        mask_distance(ticket_of([[1, 0]]), ticket_of([[1], [0]]))


@pytest.fixture(scope="module")
def fitted():
    return classifier(schedule="one-shot", prune_rate=0.4, max_epochs=6).fit(X, y)


def test_last_mask_is_the_one_that_the_search_drew(fitted):
    display = MaskDistanceDisplay.from_estimator(fitted, X, y, n_times=3)
    n_steps = fitted.round_results_["n_steps"][0]
    assert display.iterations.tolist() == [0, n_steps // 3, 2 * n_steps // 3, n_steps]
    assert display.distances.shape == (4, 4)
    np.testing.assert_array_equal(display.distances, display.distances.T)
    np.testing.assert_array_equal(np.diag(display.distances), 0)
    at_start = Prune(0.4, repeat=2).transform(Ticket(**_untrained(fitted)))
    assert display.distances[0, -1] == mask_distance(at_start, fitted.ticket_)


def _untrained(fitted):
    full = fitted.tickets_[0]
    return {"initial": full.initial, "mask": full.mask}


def test_masks_come_nearer_to_the_last(fitted):
    distances = MaskDistanceDisplay.from_estimator(fitted, X, y).distances[:, -1]
    assert distances[0] > distances[len(distances) // 2] > 0


def test_a_rate_of_its_own(fitted):
    whole, tenth = (
        MaskDistanceDisplay.from_estimator(fitted, X, y, rate=rate, n_times=2)
        for rate in (None, 0.1)
    )
    assert 0 < tenth.distances[0, -1] < whole.distances[0, -1]
    for strategy in ("snip", "synflow"):
        clf = classifier(strategy=strategy).fit(X, y)
        display = MaskDistanceDisplay.from_estimator(clf, X, y, n_times=2)
        # They look at the initial weights alone, whenever it is.
        np.testing.assert_array_equal(display.distances, 0)


def test_the_estimator_and_its_memory_stay_as_they_are(tmp_path, global_state):
    clf = classifier(memory=str(tmp_path)).fit(X, y)
    before = dict(vars(clf)), sorted(tmp_path.rglob("*"))
    first = MaskDistanceDisplay.from_estimator(clf, X, y)
    again = MaskDistanceDisplay.from_estimator(clf, X, y)
    np.testing.assert_array_equal(first.distances, again.distances)
    assert (vars(clf), sorted(tmp_path.rglob("*"))) == before


def test_a_regressor_and_a_training_that_ends_early():
    reg = regressor(n_iter_no_change=2, max_epochs=30, learning_rate=0.1)
    reg.fit(X_regression, y_regression)
    display = MaskDistanceDisplay.from_estimator(reg, X_regression, y_regression, n_times=10)
    assert len(display.iterations) < 11
    assert display.distances.shape == 2 * display.iterations.shape


def test_from_tickets_and_from_results_draw_the_same():
    tickets = [ticket_of([[1, 1, 0, 0]]), ticket_of([[1, 0, 1, 0]]), ticket_of([[0, 0, 1, 1]])]
    display = MaskDistanceDisplay.from_tickets(tickets, [0, 10, 30])
    np.testing.assert_array_equal(display.distances, [[0, 0.5, 1], [0.5, 0, 0.5], [1, 0.5, 0]])
    table = pd.DataFrame(
        [
            {"trial": trial, "iteration": a, "other": b, "distance": display.distances[i, j] + move}
            for trial, move in enumerate((-0.25, 0.25))
            for i, a in enumerate(display.iterations)
            for j, b in enumerate(display.iterations)
        ]
    )
    _, ax = plt.subplots()
    other = MaskDistanceDisplay.from_results(table.sample(frac=1, random_state=0), ax=ax, vmax=1)
    assert other.ax_ is ax and other.figure_ is ax.figure
    np.testing.assert_allclose(other.distances, display.distances, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(other.iterations, [0, 10, 30])
    np.testing.assert_allclose(other.mesh_.get_array().reshape(3, 3), display.distances, atol=1e-15)
    assert other.mesh_.norm.vmax == 1
    # Each cell lies around its iteration.
    edges = other.mesh_.get_coordinates()[0, :, 0]
    assert edges.tolist() == [-5, 5, 20, 40]
    other.figure_.draw_without_rendering()


def test_one_mask_alone():
    display = MaskDistanceDisplay.from_tickets([ticket_of([[1, 0]])], [7])
    assert display.ax_.get_xlim() == (6.5, 7.5)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"iteration": [0], "other": [0]}, r"columns \['distance'\]"),
        ({"iteration": [0, 1], "other": [0, 0], "distance": [0, 1]}, "each pair of iterations"),
        (
            {"iteration": [0, 1, 1], "other": [0, 0, 1], "distance": [0, 1, 0]},
            "found 2 of `iteration`, 2 of `other`, and 1 pairs without one",
        ),
    ],
)
def test_bad_results(table, words):
    with pytest.raises(ValueError, match=words):
        MaskDistanceDisplay.from_results(table)


def test_bad_input(fitted):
    with pytest.raises(ValueError, match="n_times must be a number of masks.*got 0"):
        MaskDistanceDisplay.from_estimator(fitted, X, y, n_times=0)
    with pytest.raises(ValueError, match="n_times must be a number of masks.*got 2.5"):
        MaskDistanceDisplay.from_estimator(fitted, X, y, n_times=2.5)
    with pytest.raises(ValueError, match="got 2 and 1"):
        MaskDistanceDisplay.from_tickets([ticket_of([[1]])], [0, 1])
    with pytest.raises(NotFittedError):
        MaskDistanceDisplay.from_estimator(classifier(), X, y)
