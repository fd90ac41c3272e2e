"""What `find` says of a search."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from skticket.cli._evidence import Scoring, gains
from skticket.cli._verdict import Evidence, errors_of, verdict


def rounds(**columns):
    table = {
        "round": [0, 1, 2, 3],
        "density": [1, 0.5, 0.25, 0.125],
        "iterations_to_match": [120, 90, 60, np.nan],
        "n_steps": [500] * 4,
        "test_score": [0.80, 0.81, 0.82, 0.7],
        "is_winning": [False, True, True, False],
    }
    return pd.DataFrame(table | columns)


def controls(kind="reinit", scores=(0.7, 0.71, 0.6), wins=(False, False, False)):
    return pd.DataFrame(
        {
            "control": kind,
            "iterations_to_match": [np.nan, np.nan, 300],
            "test_score": scores,
            "is_winning": wins,
        }
    )


EVIDENCE = Evidence(
    rounds=rounds(),
    kept=2,
    select="winning",
    controls=pd.concat([controls(), controls("rearrange", (0.5, 0.4, 0.3))]),
    score_name="accuracy",
    losses=np.array([3.0, 2, 1, 2, 3]),
    valid_errors=np.repeat([0.0, 1], [320, 80]),
    test_gains=np.repeat([1.0, 0, -1], [6, 90, 4]),
    constant_score=0.2,
)


def say(**changes):
    return verdict(replace(EVIDENCE, **changes))


def test_a_winning_ticket():
    said = say()
    assert said.startswith("A winning ticket. Round 2, the sparsest that is a winning ticket,")
    assert "keeps 25% of the weights" in said
    assert "0.8200 against the full network's 0.8000" in said
    # Of 100 rows, 6 better and 4 worse: a variance of (10 - 100 × 0.02²) / 99 a row.
    error = np.sqrt((10 - 0.04) / 99 / 100)
    assert f"difference +0.0200, standard error {error:.4f}" in said
    assert "needed 60 iterations, the full network itself 120" in said
    assert "Of 3 controls with the same structure and fresh weights, 1 reached that score" in said
    assert "none would pass for a winning ticket; test accuracy 0.6000 to 0.7100 (p = 0.25)" in said
    assert "Of 3 controls with rearranged connections" in said


def test_controls_that_do_as_well_are_told_first():
    for table in (controls(wins=(False, True, False)), controls(scores=(0.82, 0.5, 0.5))):
        said = say(controls=table)
        assert said.startswith("A winning ticket by its own training, but some of its controls")
    assert "(p = 0.5)" in said


@pytest.mark.parametrize("n_worse, is_worse", [(5, False), (6, True)])
def test_a_test_score_that_is_clearly_lower_is_told_first(n_worse, is_worse):
    # Of 100 rows: 1.66 standard errors are .0403 where one is better and 5 are worse, and
    # .0434 where 6 are.
    said = say(
        rounds=rounds(test_score=[0.8, 0.8, 0.8 - (n_worse - 1) / 100, 0.7]),
        test_gains=np.repeat([1.0, 0, -1], [1, 99 - n_worse, n_worse]),
        controls=None,
    )
    words = (
        "A winning ticket by the held-out rows that chose it, but on the test rows it scores lower"
    )
    assert said.startswith(words) == is_worse
    assert said.startswith("A winning ticket. Round 2") != is_worse


def test_without_controls_nothing_is_said_of_them():
    assert "controls" not in say(controls=None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"constant_score": 0.8}, "test accuracy is 0.800; predicting always the same gives 0.800"),
        ({"losses": np.array([3.0, 2, 1])}, "had not converged after 500 iterations"),
        ({"losses": np.array([3.0])}, "had not converged after 500 iterations"),
        ({"losses": np.linspace(2, 1, 40)}, "had not converged after 500 iterations"),
        ({"valid_errors": np.repeat([0.0, 1], [16, 4])}, "20 held-out rows are too few"),
        ({"valid_errors": np.zeros(12)}, "12 held-out rows are too few"),
        ({"valid_errors": None}, "too few rows to hold any out"),
    ],
)
def test_doubts_are_said_instead(changes, words):
    said = say(**changes)
    assert said.startswith("No winning ticket is announced. ") and words in said
    assert "Round 2, the sparsest that would pass for a winning ticket," in said
    assert "A winning" not in said and "is a winning" not in said


def test_standard_error_is_said():
    said = say(valid_errors=np.repeat([0.0, 1], [16, 4]))
    # With two right and two wrong more: 6 of 24.
    assert f"standard error of {np.sqrt(0.25 * 0.75 / 24):.3f}" in said


def test_a_loss_that_hardly_falls_at_the_end_has_converged():
    assert say(losses=np.array([3.0, 1, 0.995])).startswith("A winning ticket.")


def test_other_rounds():
    said = say(kept=3, select="last")
    assert said.startswith("Not a winning ticket; the sparsest that is one is round 2, with 25%.")
    assert "Round 3, the last, keeps 12.5%" in said
    assert "Round 1, the best by validation score," in say(kept=1, select="best")
    none = rounds(is_winning=[False] * 4)
    assert say(rounds=none, kept=3, select="last").startswith("No round is a winning ticket.")
    said = say(rounds=none, kept=0, controls=None)
    assert said == ("No round is a winning ticket. The full network is kept: test accuracy 0.8000.")


def test_errors_are_what_rows_take_from_the_score():
    rng = np.random.default_rng(0)
    y, predicted = rng.standard_normal((2, 50))
    r2 = 1 - np.sum((y - predicted) ** 2) / np.sum((y - y.mean()) ** 2)
    assert 1 - errors_of(y, predicted, regression=True).mean() == pytest.approx(r2)
    assert errors_of(["a", "b"], ["a", "c"], regression=False).tolist() == [0, 1]


class _Constant:
    """Predicts what it is given."""

    def __init__(self, predicted):
        self.predicted = predicted

    def predict(self, X):
        return self.predicted[X.ravel()]


def test_gains_of_groups_are_those_of_rows_where_groups_are_rows():
    """The jackknife's error of a mean is that of the mean."""
    rng = np.random.default_rng(0)
    X, (y, *predicted) = np.arange(20)[:, None], rng.integers(0, 2, (3, 20))
    full, kept = map(_Constant, predicted)
    scoring = Scoring("accuracy", regression=False)
    scoring.scorer = lambda model, X, y: np.mean(model.predict(X) == y)
    by_rows = gains(full, kept, X, y, scoring)
    scoring.is_own = False
    by_groups = gains(full, kept, X, y, scoring)
    # Twenty sums of up to twenty terms of at most 1.
    np.testing.assert_allclose(by_groups, by_rows, rtol=0, atol=1e-12)
    assert len(np.unique(by_rows)) == 3


def test_errors_of_any_size_are_compared_by_their_ratio():
    table = rounds(test_score=[-2e-4, -1.9e-4, -1.8e-4, -3e-4])
    said = say(rounds=table, constant_score=-8e-4, is_error=True, score_name="neg mean error")
    assert said.startswith("A winning ticket by its own training")
    said = say(rounds=table, constant_score=-2e-4, is_error=True)
    assert said.startswith("No winning ticket is announced. The full network's test")


def test_the_validation_score_is_named_where_it_is_another():
    said = say(valid_errors=np.repeat([0.0, 1], [16, 4]), score_name="roc auc")
    assert "their accuracy has a standard error" in said and "test roc auc 0.8200" in said


def test_a_class_that_other_rows_have_is_nothing_to_warn_of(recwarn):
    X = np.zeros((4, 1))
    model = DummyClassifier(strategy="constant", constant="rare").fit(X, ["a", "a", "b", "rare"])
    assert Scoring("balanced_accuracy", regression=False)(model, X, ["a", "a", "b", "b"]) == 0
    assert not recwarn.list
