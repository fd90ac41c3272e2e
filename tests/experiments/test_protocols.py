"""How networks are trained, and on which images."""

import os
from dataclasses import replace

import numpy as np
import pytest

from skticket.experiments import PRESETS, Laboratory, Network, load_images
from skticket.experiments.mnist import EXPERIMENTS


def test_v1_is_the_papers_protocol():
    v1 = PRESETS["v1"]
    assert v1.recipe.hidden_layer_sizes == (300, 100)
    assert (v1.optimizer, v1.learning_rate, v1.batch_size) == ("sgd", 0.05, 100)
    assert (v1.iterations, v1.evaluate_every, v1.trials) == (50_000, 100, 5)
    lab = Laboratory.open("v1", "digits", trials=1)
    ticket = lab.search(Network.make(0, 0, v1.recipe)).first_ticket()
    for name, weight in ticket.initial.items():
        if name in ticket.mask and weight.size > 1000:
            # A Gaussian of 0.1, cut off at 0.2, has a standard deviation of 0.088.
            assert abs(weight).max() <= 0.2
            assert weight.std() == pytest.approx(0.088, rel=0.05)
        elif name not in ticket.mask:
            assert not weight.any()


def test_fast_differs_in_what_the_design_says():
    v1, fast = PRESETS["v1"], PRESETS["fast"]
    assert fast.recipe == replace(v1.recipe, init="glorot_normal")
    assert (fast.optimizer, fast.learning_rate, fast.batch_size) == ("adam", 1.2e-3, 60)
    assert (fast.iterations, fast.evaluate_every, fast.trials) == (5000, 100, 5)


def test_sizes_are_the_papers():
    fast = PRESETS["fast"]
    assert [fast.round_at(percent) for percent in (80, 16.8, 5.5)] == [1, 8, 13]
    assert 8 in EXPERIMENTS["one-shot"].conditions(fast)[0].rounds
    # Whatever the rate, pruning goes about as far.
    for rate in fast.rates:
        reached = (1 - rate) ** fast.rounds_at(rate)
        assert 0.5 < np.log(reached) / np.log(0.8**15) < 1.6


def test_split():
    images = load_images("digits")
    data = images.data
    sizes = [len(X) for X in (data.X, data.X_valid, data.X_test)]
    assert sizes == [1318, 120, 359]
    rows = np.concatenate([data.X, data.X_valid, data.X_test])
    from sklearn.datasets import load_digits

    expected = load_digits().data / 16
    assert sorted(map(tuple, rows.round(4))) == sorted(map(tuple, expected.astype("f4").round(4)))
    other = load_images("digits", seed=1).data
    assert not np.array_equal(other.X_valid, data.X_valid)


def test_mnist_split():
    if "SKTICKET_DATA" not in os.environ:
        pytest.skip("needs MNIST's files")
    data = load_images("mnist").data
    assert [len(X) for X in (data.X, data.X_valid, data.X_test)] == [55_000, 5000, 10_000]
    assert data.X.min() == 0 and data.X.max() == 1


def test_unknown_test_label(tmp_path, idx):
    with pytest.raises(ValueError, match=r"labels \[9\], which no training image has"):
        load_images(idx(tmp_path / "images", labels=(1, 2), test_labels=(1, 9)))


def test_too_few_images(tmp_path, idx):
    with pytest.raises(ValueError, match="too few"):
        load_images(idx(tmp_path / "images", n_train=5))
    with pytest.raises(ValueError, match="0 test images"):
        load_images(idx(tmp_path / "images", n_test=0))
