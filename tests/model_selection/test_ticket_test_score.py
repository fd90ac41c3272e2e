"""`ticket_test_score`, and its display."""

import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.inspection import TicketTestDisplay
from skticket.model_selection import neg_n_weights, ticket_test_score
from skticket.search import _search

X, y = make_classification(
    120, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)


def classifier(cls=WinningTicketClassifier, **parameters):
    defaults = {
        "hidden_layer_sizes": (12,),
        "rounds": 2,
        "max_epochs": 3,
        "batch_size": 20,
        "learning_rate": 0.03,
        "random_state": 0,
    }
    return cls(**(defaults | parameters))


def run(estimator, X=X, y=y, **options):
    defaults = {"n_controls": 3, "scoring": "neg_log_loss"}
    return ticket_test_score(estimator, X, y, **(defaults | options))


def assert_same(first, second):
    assert first.score == second.score
    np.testing.assert_array_equal(first.control_scores, second.control_scores)
    assert first.pvalue == second.pvalue


@pytest.fixture
def trained(monkeypatch):
    """Give the list of what is trained, and how."""
    calls = []
    train = _search.train

    def recorded(net, ticket, data, **settings):
        calls.append((ticket, data, settings))
        return train(net, ticket, data, **settings)

    monkeypatch.setattr(_search, "train", recorded)
    return calls


@pytest.mark.parametrize("control", ["reinit", "rearrange"])
def test_controls_are_trained_as_the_ticket_was(control, trained):
    rows = np.arange(len(y))
    run(classifier(), control=control, cv=[(rows[:90], rows[90:])])
    *_, (ticket, data, settings) = trained[:3]
    controls = trained[3:]
    assert len(controls) == 3
    for other, other_data, other_settings in controls:
        np.testing.assert_array_equal(other_data.gathered.X, data.gathered.X)
        np.testing.assert_array_equal(other_data.y_valid, data.y_valid)
        assert other_settings["n_steps"] == settings["n_steps"]
        assert other_settings["evaluate_every"] == settings["evaluate_every"]
        assert other_settings["layout"] == settings["layout"]
        assert other.n_weights == ticket.n_weights
        for name, mask in ticket.mask.items():
            same_places = np.array_equal(other.mask[name], mask)
            values = [np.sort(t.initial[name][t.mask[name]]) for t in (ticket, other)]
            assert same_places == (control == "reinit")
            assert np.array_equal(*values) == (control == "rearrange")
    tickets = [other for other, *_ in controls]
    assert tickets[0] != tickets[1] != tickets[2]
    assert len({settings["seed"] for *_, settings in trained}) == 6


@pytest.mark.parametrize("control", ["shuffle", "inverted"])
def test_controls_that_choose_other_weights_of_the_first_round(control, trained):
    # The search's own choice reaches the controls.
    model = make_pipeline(StandardScaler(), classifier(schedule="one-shot"))
    grid = GridSearchCV(model, {"winningticketclassifier__strategy": ["magnitude", "snip"]}, cv=2)
    result = run(grid, control=control)
    assert result.control == control and np.isfinite(result.control_scores).all()
    # Last the grid's own fit of what it has chosen, two rounds, and the controls.
    (full, *_), (ticket, *_), *controls = trained[-5:]
    assert full.density == 1
    for other, *_ in controls:
        assert other.layer_densities == ticket.layer_densities
        for name, mask in other.mask.items():
            np.testing.assert_array_equal(
                other.initial[name], np.where(mask, full.initial[name], 0)
            )
    same = all(np.array_equal(m, controls[1][0].mask[n]) for n, m in controls[0][0].mask.items())
    assert same == (control == "inverted")


def test_score_is_that_of_the_fitted_estimator():
    rows = np.arange(len(y))
    model = make_pipeline(StandardScaler(), classifier())
    result = run(model, cv=[(rows[:90], rows[90:])], scoring="accuracy")
    fitted = clone(model).fit(X[:90], y[:90])
    assert result.score == accuracy_score(y[90:], fitted.predict(X[90:]))
    assert result.density == fitted[-1].density_
    assert result.control == "reinit"
    assert not hasattr(model[-1], "ticket_")


@pytest.mark.parametrize("select", ["best", "winning"])
def test_the_selected_round_is_tested(select, trained):
    model = classifier(select=select, rounds=4, max_epochs=10)
    rows = np.arange(len(y))
    result = run(model, cv=[(rows[:90], rows[90:])])
    fitted = clone(model).fit(X[:90], y[:90])
    assert result.density == fitted.density_
    assert trained[5][0].n_weights == fitted.ticket_.n_weights


def test_pvalue_is_scikit_learns(monkeypatch):
    result = run(classifier(), n_controls=7)
    at_least = np.sum(result.control_scores >= result.score)
    assert result.pvalue == (at_least + 1) / 8
    # Ties count against the ticket: all have the same number of weights.
    assert run(classifier(), scoring=neg_n_weights).pvalue == 1.0


@pytest.mark.slow
def test_a_good_ticket_beats_its_controls():
    X, y = load_digits(return_X_y=True)
    model = WinningTicketClassifier((60,), rounds=7, max_epochs=6, random_state=0)
    result = ticket_test_score(model, X / 16, y, n_controls=19, scoring="neg_log_loss")
    assert result.pvalue == 0.05
    # A random ticket is one of its controls: each p-value is at its floor once in ten times.
    chances = [clone(model).set_params(strategy="random", random_state=seed) for seed in range(3)]
    pvalues = [
        ticket_test_score(chance, X / 16, y, n_controls=9, scoring="neg_log_loss").pvalue
        for chance in chances
    ]
    assert np.median(pvalues) > 0.1


def test_repeatable(global_state):
    assert_same(run(classifier()), run(classifier()))
    first = run(classifier(), random_state=1)
    assert (first.control_scores != run(classifier()).control_scores).any()
    generator = np.random.RandomState(1)
    assert_same(run(classifier(), random_state=generator), first)


def test_more_controls_add_to_the_first():
    few, more = (run(classifier(), n_controls=n).control_scores for n in (2, 5))
    np.testing.assert_array_equal(more[:2], few)


@pytest.mark.slow
def test_workers_give_the_same():
    model = make_pipeline(StandardScaler(), classifier())
    assert_same(run(model, n_jobs=2), run(model))


def test_memory_remembers_controls(tmp_path, trained):
    model = classifier(memory=str(tmp_path))
    first = run(model)
    assert len(trained) == 3 + 3
    assert_same(run(model), first)
    assert len(trained) == 6
    run(model, n_controls=5)
    assert len(trained) == 8


def test_splits_are_averaged():
    splits = list(StratifiedKFold(3).split(X, y))
    result = run(classifier(), cv=splits)
    assert result.control_scores.shape == (3,)
    assert result.score == pytest.approx(
        np.mean([run(classifier(), cv=[split]).score for split in splits])
    )
    assert_same(run(classifier(), cv=3), result)


@pytest.mark.parametrize("cv", [KFold(2), ShuffleSplit(1, random_state=0)])
def test_splitters(cv):
    assert np.isfinite(run(classifier(), cv=cv).control_scores).all()


def test_by_default_a_quarter_is_held_out_in_proportion(trained):
    run(classifier(validation_fraction=0), n_controls=1)
    _, counts = np.unique(trained[0][1].y, return_counts=True)
    assert counts.sum() == 90
    np.testing.assert_allclose(counts, np.bincount(y) * 0.75, atol=1)


def test_data_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    names = pandas.Series(np.array(["u", "v", "w"])[y])
    assert_same(run(classifier(), frame, names), run(classifier()))


def test_one_shot_and_no_rounds():
    assert np.isfinite(run(classifier(schedule="one-shot")).control_scores).all()
    assert run(classifier(rounds=0)).density == 1


@pytest.mark.parametrize("rewind", [2, "none", "reinit"])
def test_other_rewinds(rewind):
    assert np.isfinite(run(classifier(rewind_to=rewind)).control_scores).all()


class _Network(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))


def test_nets_of_ones_own():
    net = NeuralNetClassifier(
        _Network, criterion=torch.nn.CrossEntropyLoss, max_epochs=2, verbose=0
    )
    result = run(classifier(net=net), scoring="accuracy")
    assert len(np.unique(result.control_scores)) > 1


def regression():
    X, y = make_regression(100, 5, random_state=0)
    return X, 100 + y


def test_inside_a_transformer_of_targets():
    inner = make_pipeline(StandardScaler(), classifier(WinningTicketRegressor, max_epochs=20))
    model = TransformedTargetRegressor(inner, transformer=StandardScaler())
    result = run(model, *regression(), scoring="r2")
    # Controls saw scaled targets, too, and their predictions are scaled back.
    assert result.control_scores.min() > 0.3
    assert_same(run(model, *regression(), scoring="r2", n_jobs=2), result)


@pytest.mark.parametrize("outside", [True, False])
def test_what_a_search_has_chosen_is_tested(outside, trained):
    grid = {"rounds": [1, 2]}
    if outside:
        named = {f"ticket__{name}": values for name, values in grid.items()}
        pipeline = Pipeline([("scale", StandardScaler()), ("ticket", classifier())])
        model = GridSearchCV(pipeline, named, cv=2)
    else:
        model = make_pipeline(StandardScaler(), GridSearchCV(classifier(), grid, cv=2))
    rows = np.arange(len(y))
    split = (rows[:90], rows[90:])
    result = run(model, cv=[split])
    fitted = clone(model).fit(X[:90], y[:90])
    chosen = fitted.best_params_["ticket__rounds"] if outside else fitted[-1].best_params_["rounds"]
    expected = make_pipeline(StandardScaler(), classifier(rounds=chosen))
    assert_same(run(expected, cv=[split]), result)


def test_the_final_step_is_tested():
    selector = SelectFromModel(classifier(hidden_layer_sizes=(4,), rounds=1))
    model = make_pipeline(selector, classifier(rounds=3))
    rows = np.arange(len(y))
    result = run(model, cv=[(rows[:90], rows[90:])])
    assert result.density == clone(model).fit(X[:90], y[:90])[-1].density_


def test_weights_of_rows_reach_the_controls(trained):
    weight = np.linspace(0.5, 2, len(y))
    model = Pipeline([("scale", StandardScaler()), ("ticket", classifier())])
    result = run(model, params={"ticket__sample_weight": weight})
    assert len(trained) == 6
    for _, data, _ in trained:
        np.testing.assert_array_equal(data.weight, trained[0][1].weight)
        assert len(np.unique(data.weight)) > 10
    with sklearn.config_context(enable_metadata_routing=True):
        model["scale"].set_fit_request(sample_weight=False)
        model["ticket"].set_fit_request(sample_weight=True)
        assert_same(run(model, params={"sample_weight": weight}), result)


def test_class_weights_reach_the_controls(trained):
    run(classifier(class_weight="balanced"))
    assert all(data.weight is not None for _, data, _ in trained)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"control": "init"}, "'control' parameter"),
        ({"n_controls": 0}, "'n_controls' parameter"),
        ({"scoring": "no such"}, "'scoring' parameter|not a valid scoring"),
        ({"params": [1]}, "'params' parameter"),
    ],
)
def test_wrong_parameters(options, message, trained):
    with pytest.raises(ValueError, match=message):
        run(classifier(), **options)
    assert trained == []


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())],
)
def test_no_ticket(estimator):
    with pytest.raises(ValueError, match="must be, or contain, one WinningTicketClassifier"):
        run(estimator)


def test_display():
    result = run(classifier(), n_controls=12)
    display = TicketTestDisplay.from_results(result, score_name="minus log loss")
    assert display.pvalue == result.pvalue
    assert sum(bar.get_height() for bar in display.bars_) == 12
    assert set(display.line_.get_xdata()) == {result.score}
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts[0] == "12 controls (reinit)"
    assert f"p = {result.pvalue:.2g}" in texts[1]
    assert display.ax_.get_xlabel() == "minus log loss"


def test_display_of_an_estimator():
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    display = TicketTestDisplay.from_estimator(classifier(), X, y, n_controls=2, ax=ax)
    assert display.ax_ is ax and display.figure_ is figure
    assert display.score_name == "accuracy"
    named = TicketTestDisplay.from_estimator(
        classifier(), X, y, n_controls=2, scoring="neg_log_loss", control="rearrange"
    )
    assert named.score_name == "neg_log_loss"
    assert named.control == "rearrange"
