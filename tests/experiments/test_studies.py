"""What some studies measure, by what must be true of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small import remaining_after

from skticket.experiments import Laboratory, load_images
from skticket.experiments.study import PRESETS, STUDIES
from skticket.experiments.study._features import compare_features
from skticket.experiments.study._transfer import _pairs


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    smoke = replace(PRESETS["smoke"], trials=1)
    return Laboratory.open(smoke, "digits", memory=tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def sanity(laboratory):
    return STUDIES["sanity-checks"].run(laboratory).table


def test_controls_are_as_large_as_their_tickets(sanity):
    sizes = sanity.groupby(["strategy", "round"])["n_weights"].nunique()
    assert (sizes == 1).all()
    assert set(sanity["strategy"]) == {"SNIP", "GraSP", "SynFlow", "magnitude"}
    assert set(sanity["network"]) == {"ticket", "shuffle", "reinit", "inverted"}


def test_the_last_mask_is_that_of_a_ticket_pruned_once(laboratory, sanity):
    table = STUDIES["early-mask"].run(laboratory).table
    last = table["iteration"].max()
    (expected,) = sanity.loc[sanity["condition"] == "magnitude", "test_score"]
    (found,) = table.loc[(table["iteration"] == last) & (table["other"] == last), "test_score"]
    assert found == expected
    square = table.pivot(index="iteration", columns="other", values="distance")
    np.testing.assert_array_equal(square, square.T)
    np.testing.assert_array_equal(np.diag(square), 0)
    assert square.iloc[0, -1] > 0


def test_other_data_are_made_of_the_first():
    images = load_images("digits")
    first = images.data
    pairs = {name: (source, target) for name, source, target in _pairs(images, seed=0)}
    again = {name: target for name, _, target in _pairs(images, seed=0)}
    for name in ("inverted", "noisy", "permuted"):
        source, target = pairs[name]
        assert source is images and target.n_classes == images.n_classes
        for part in ("X", "X_valid", "X_test"):
            ours, theirs = getattr(target.data, part), getattr(first, part)
            assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, getattr(again[name].data, part))
            if name == "inverted":
                np.testing.assert_allclose(ours + theirs, 1, rtol=0, atol=1e-6)
            elif name == "permuted":
                np.testing.assert_array_equal(np.sort(ours, axis=1), np.sort(theirs, axis=1))
                assert not np.array_equal(ours, theirs)
            else:
                assert (ours - theirs).std() == pytest.approx(0.5 * first.X.std(), rel=0.05)
        np.testing.assert_array_equal(target.data.y_test, first.y_test)
    # The same order of pixels in all parts.
    order = [np.flatnonzero((first.X.T == column).all(axis=1)) for column in target.data.X.T]
    pixels = [places[0] for places in order]
    np.testing.assert_array_equal(first.X_test[:, pixels], target.data.X_test)


def test_other_classes_are_the_other_half():
    images = load_images("digits")
    (few, others) = next((s, t) for name, s, t in _pairs(images, 0) if name == "other classes")
    data = images.data
    assert few.n_classes == others.n_classes == 5
    for half, low in ((few, 0), (others, 5)):
        for end in ("", "_valid", "_test"):
            X, y = getattr(data, f"X{end}"), getattr(data, f"y{end}")
            rows = (y >= low) & (y < low + 5)
            np.testing.assert_array_equal(getattr(half.data, f"X{end}"), X[rows])
            np.testing.assert_array_equal(getattr(half.data, f"y{end}"), y[rows] - low)


def test_features_of_no_use_are_counted():
    """By a method that knows the table's own columns, and one that knows the others."""

    def first(X, y, seed):
        return -np.arange(X.shape[1])

    def last(X, y, seed):
        return np.arange(X.shape[1])

    table = compare_features(["wine"], 0, 1, others={"knows": first, "errs": last})
    false = table.groupby("method")["false"]
    assert (false.get_group("knows") == 0).all() and (false.get_group("errs") == 1).all()
    assert (false.get_group("all features") == 0.5).all()
    score = table[table["share"] == 1].set_index("method")["test_score"]
    assert score["knows"] > 0.9 > 0.7 > score["errs"]
    chosen = table[table["method"] == "random forest"].set_index("share")["n_features"]
    assert chosen.to_dict() == {0.25: 3, 0.5: 6, 1.0: 13}


def test_made_up_tables_are_as_told():
    table = compare_features(["made up"], 0, 0)
    rows = table.set_index(["method", "share"]).loc["all features"]
    assert rows["n_features"].item() == 100 and rows["false"].item() == pytest.approx(0.9)
    assert isinstance(table, pd.DataFrame)


def test_costs_are_steps_times_density(laboratory):
    table = STUDIES["equal-cost"].run(laboratory).table.set_index("condition")
    cost, n_weights = table["cost"], table["n_weights"]
    assert cost["full network"] == 1
    for name in ("random", "SET", "RigL", "SNIP", "GraSP", "SynFlow"):
        assert cost[name] == pytest.approx(n_weights[name] / n_weights["full network"], rel=1e-12)
    rounds = [
        sum(remaining_after(*layer, n) for layer in ((0.2, 1920), (0.2, 300), (0.1, 100)))
        for n in range(laboratory.protocol.rounds + 1)
    ]
    assert n_weights["ticket"] == n_weights["RigL"] == rounds[-1]
    assert cost["ticket"] == pytest.approx(sum(rounds) / rounds[0], rel=1e-12)
    assert 1 < cost["ticket, budget 1/6"] < cost["ticket"]
    # To within half a step of the sixty.
    cheap = pytest.approx(cost["ticket, budget 1/6"], abs=1 / 120)
    assert cost["RigL, as long as budget 1/6"] == cheap
