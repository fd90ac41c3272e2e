import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from skorch import NeuralNetClassifier

from skticket import Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.inspection import (
    ConditionCurvesDisplay,
    ConnectivityDisplay,
    InitialWeightsDisplay,
    InputMaskDisplay,
    TicketCurveDisplay,
    TrainingCurvesDisplay,
)
from skticket.model_selection import fit_controls
from skticket.persistence import load_model, save_model

FROM_TICKETS = [InitialWeightsDisplay, ConnectivityDisplay, InputMaskDisplay]
CONTROLS = ["reinit", "rearrange"]
FROM_ESTIMATOR = [TicketCurveDisplay, TrainingCurvesDisplay, *FROM_TICKETS]
NAMES = ["layers.0.weight", "layers.1.weight", "layers.2.weight"]


@pytest.fixture(scope="module")
def model():
    X, y = load_digits(return_X_y=True)
    clf = WinningTicketClassifier((30, 12), prune_rate=0.5, rounds=6, max_epochs=2, random_state=0)
    return make_pipeline(MaxAbsScaler(), clf).fit(X[:300], y[:300])


@pytest.fixture(scope="module")
def clf(model):
    return model[-1]


@pytest.fixture(scope="module")
def regressor():
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    return WinningTicketRegressor((8,), rounds=2, max_epochs=2, random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def convolutional():
    class Net(torch.nn.Sequential):
        def __init__(self):
            super().__init__(
                torch.nn.Unflatten(1, (1, 8, 8)),
                torch.nn.Conv2d(1, 4, 3),
                torch.nn.ReLU(),
                torch.nn.Conv2d(4, 3, 3),
                torch.nn.Flatten(),
                torch.nn.Linear(48, 10),
            )

    net = NeuralNetClassifier(Net, criterion=torch.nn.CrossEntropyLoss, max_epochs=1, verbose=0)
    X, y = load_digits(return_X_y=True)
    clf = WinningTicketClassifier(net=net, rounds=2, prune_rate=0.4, random_state=0)
    return clf.fit(X[:200], y[:200])


@pytest.fixture
def trials(random_ticket):
    """Three trials of the full network, and of two sizes."""
    return [
        [random_ticket((9, 6, 4, 2), density=density, seed=seed) for seed in range(3)]
        for density in (1.1, 0.6, 0.2)
    ]


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("display_class", FROM_ESTIMATOR)
class TestFromEstimator:
    def test_classifier_in_a_pipeline(self, display_class, model):
        display = display_class.from_estimator(model[-1])
        assert isinstance(display, display_class)
        axes = np.ravel(display.ax_)
        assert all(ax.figure is display.figure_ for ax in axes)
        assert len(plt.get_fignums()) == 1
        display.figure_.draw_without_rendering()

    def test_plot_again(self, display_class, clf):
        display = display_class.from_estimator(clf)
        first = display.ax_
        _, axes = plt.subplots(1, np.size(first))
        given = axes if np.size(first) > 1 else np.atleast_1d(axes)[0]
        assert display.plot(ax=given) is display
        assert np.ravel(display.ax_)[0] is np.ravel(axes)[0]
        assert len(plt.get_fignums()) == 2

    def test_regressor(self, display_class, regressor):
        options = {"shape": (2, 5)} if display_class is InputMaskDisplay else {}
        display = display_class.from_estimator(regressor, **options)
        if display_class is TrainingCurvesDisplay:
            assert display.ax_.get_ylabel() == "validation R²"

    def test_no_estimator_of_tickets(self, display_class, model):
        with pytest.raises(ValueError, match=r"got Pipeline; .* such as pipeline\[-1\]"):
            display_class.from_estimator(model)

    def test_a_model_from_a_file_holds_no_rounds(self, display_class, clf, tmp_path):
        pytest.importorskip("skops")
        save_model(clf, tmp_path / "model.skops")
        with pytest.raises(ValueError, match="no longer holds the rounds of its search"):
            display_class.from_estimator(load_model(tmp_path / "model.skops"))

    def test_not_fitted(self, display_class):
        with pytest.raises(NotFittedError):
            display_class.from_estimator(WinningTicketClassifier())


@pytest.mark.parametrize("display_class", [TrainingCurvesDisplay, *FROM_TICKETS])
class TestRounds:
    @pytest.mark.parametrize(
        "rounds, message",
        [([0, 7], r"rounds must be among \[0, 1, .*6\], got \[7\]"), ([], "at least one round")],
    )
    def test_wrong_rounds(self, display_class, clf, rounds, message):
        with pytest.raises(ValueError, match=message):
            display_class.from_estimator(clf, rounds=rounds)
        assert plt.get_fignums() == []

    def test_chosen(self, display_class, clf):
        display = display_class.from_estimator(clf, rounds=[5, 0, 2])
        expected = [100 * clf.tickets_[number].density for number in (0, 2, 5)]
        np.testing.assert_allclose(display.percent_remaining, expected)

    def test_default(self, display_class, clf):
        display = display_class.from_estimator(clf)
        rounds = [1, 2, 3, 5, 6] if display_class is InputMaskDisplay else [0, 2, 3, 4, 6]
        expected = [100 * clf.tickets_[number].density for number in rounds]
        np.testing.assert_allclose(display.percent_remaining, expected)

    def test_wrong_number_of_axes(self, display_class, clf):
        _, axes = plt.subplots(1, 2)
        with pytest.raises(ValueError, match="ax must hold [1356] Axes, one for each .*, got 2"):
            display_class.from_estimator(clf, ax=axes)


@pytest.mark.parametrize("display_class", FROM_TICKETS)
class TestFromTickets:
    def test_wrong_tickets(self, display_class, random_ticket):
        tickets = [random_ticket((9, 3)), random_ticket((16, 3))]
        for wrong, message in (
            ([], "tickets must hold at least one Ticket, got none"),
            ([[], []], "tickets must hold at least one Ticket, got none"),
            ([tickets[0], "ticket"], "must be of class Ticket, got str"),
            (tickets, r"one architecture, got .*\(3, 9\).*\(3, 16\)"),
        ):
            with pytest.raises(ValueError, match=message):
                display_class.from_tickets(wrong)
        assert plt.get_fignums() == []

    def test_plain_sequences_are_grouped_by_density(self, display_class, random_ticket):
        big, small = random_ticket((9, 4), density=1.1), random_ticket((9, 4), density=0.3)
        display = display_class.from_tickets([small, big, small])
        np.testing.assert_allclose(display.percent_remaining, [100, 100 * small.density])
        single = display_class.from_tickets(small)
        np.testing.assert_allclose(single.percent_remaining, [100 * small.density])

    def test_percents_are_means(self, display_class, trials):
        display = display_class.from_tickets(trials[::-1])
        expected = [100 * np.mean([ticket.density for ticket in size]) for size in trials]
        np.testing.assert_allclose(display.percent_remaining, expected)


def test_training_curves_draw_the_histories(clf):
    for score, label in (("valid_score", "validation accuracy"), ("valid_loss", "validation loss")):
        display = TrainingCurvesDisplay.from_estimator(clf, rounds=[0, 3], score=score)
        for line, number in zip(display.lines_, (0, 3), strict=True):
            history = clf.histories_[number]
            np.testing.assert_array_equal(line.get_xdata(), history[:, "iteration"])
            np.testing.assert_allclose(line.get_ydata(), history[:, score])
        assert display.ax_.get_ylabel() == label
        assert display.bands_ == [None, None]
        assert texts(display.legend_) == ["100%", f"{100 * clf.tickets_[3].density:.3g}%"]
    with pytest.raises(ValueError, match="score must be one of .*'valid_loss'.*, got 'accuracy'"):
        TrainingCurvesDisplay.from_estimator(clf, score="accuracy")


def evaluations():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            # The trials have slightly different numbers of weights.
            (trial, percent + 0.1 * trial * (percent < 100), iteration, rng.uniform())
            for trial in range(3)
            for percent in (100, 50, 20)
            for iteration in (10, 20, 30)
        ],
        columns=["trial", "percent", "iteration", "loss"],
    )


@pytest.mark.parametrize("numbered", [False, True])
def test_training_curves_of_trials(numbered):
    results = evaluations()
    values = results["loss"].to_numpy().reshape(3, 3, 3)
    if numbered:
        # By round, sizes may differ by any amount.
        results["percent"] *= 1 - 0.1 * results["trial"] * (results["percent"] < 100)
        results["round"] = np.tile(np.repeat([0, 1, 2], 3), 3)
    display = TrainingCurvesDisplay.from_results(results, score="loss", score_name="nats")
    mean_percents = results["percent"].to_numpy().reshape(3, 3, 3)[:, :, 0].mean(axis=0)
    np.testing.assert_allclose(display.percent_remaining, mean_percents)
    assert display.ax_.get_ylabel() == "nats"
    for size, (line, band) in enumerate(zip(display.lines_, display.bands_, strict=True)):
        np.testing.assert_allclose(line.get_ydata(), values[:, size].mean(axis=0))
        vertices = band.get_paths()[0].vertices
        for iteration, drawn in zip((10, 20, 30), values[:, size].T, strict=True):
            heights = vertices[vertices[:, 0] == iteration, 1]
            assert np.isclose(heights.min(), drawn.min())
            assert np.isclose(heights.max(), drawn.max())


@pytest.mark.parametrize("spread, factor", [("std", 1), ("ci95", 4.302652729911275 / np.sqrt(3))])
def test_spreads(spread, factor):
    # 4.3026... is the 97.5th percentile of Student's t with two degrees of freedom.
    results = evaluations()
    values = results["loss"].to_numpy().reshape(3, 3, 3)
    display = TrainingCurvesDisplay.from_results(results, score="loss", spread=spread)
    for size, curve in enumerate(display.curves):
        mean, std = values[:, size].mean(axis=0), values[:, size].std(axis=0, ddof=1)
        np.testing.assert_allclose(curve["loss_low"], mean - factor * std)
        np.testing.assert_allclose(curve["loss_high"], mean + factor * std)


def test_no_spread():
    display = TrainingCurvesDisplay.from_results(evaluations(), score="loss", spread=None)
    assert display.bands_ == [None] * 3


def test_the_steep_start_is_left_out_of_the_range():
    results = {
        "percent": np.full(100, 100.0),
        "iteration": np.arange(1, 101),
        "score": np.where(np.arange(100) < 8, 0.0, np.linspace(0.9, 0.95, 100)),
    }
    display = TrainingCurvesDisplay.from_results(results, score="score")
    low, high = display.ax_.get_ylim()
    assert 0.89 < low < 0.91 and 0.95 < high < 0.96


def conditions(n_conditions=2):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            (f"condition {number}", trial, percent, 10 * percent, *rng.uniform(50, 100, size=2))
            for number in range(n_conditions)
            for trial in range(4)
            for percent in (100.0, 80.0 + 0.01 * trial, 51.2)
        ],
        columns=[
            *("condition", "trial", "percent", "n_weights"),
            *("iterations_to_converge", "test_score"),
        ],
    )


@pytest.mark.parametrize("x", ["percent", "n_weights"])
def test_condition_curves(x):
    results = conditions()
    display = ConditionCurvesDisplay.from_results(results, x=x)
    values = results[["iterations_to_converge", "test_score"]].to_numpy().reshape(2, 4, 3, 2)
    results = results.sample(frac=1, random_state=0)
    for column, name in enumerate(("iterations_to_converge", "test_score")):
        for number in range(2):
            line, _, (bars,) = display.errorbars_[name][f"condition {number}"]
            drawn = values[number, :, :, column]
            expected = np.array([100, 80.015, 51.2]) * (10 if x == "n_weights" else 1)
            np.testing.assert_allclose(line.get_xdata(orig=False), expected)
            np.testing.assert_allclose(line.get_ydata(orig=False), drawn.mean(axis=0))
            ends = np.array([segment[:, 1] for segment in bars.get_segments()])
            np.testing.assert_allclose(ends, np.stack([drawn.min(0), drawn.max(0)], axis=1))
    left, right = display.ax_[0].get_xlim()
    assert left > 100 * (10 if x == "n_weights" else 1) and right < 51.2 * left / 100
    assert [ax.get_ylabel() for ax in display.ax_] == ["iterations to converge", "test score"]
    assert texts(display.legend_) == ["condition 0", "condition 1"]


def test_condition_curves_by_round():
    results = conditions(1)
    results["round"] = np.tile([0, 1, 2], 4)
    results.loc[results["round"] == 1, "percent"] += [0, 5, 10, 15]
    display = ConditionCurvesDisplay.from_results(results, columns="test_score")
    (curve,) = display.curves.values()
    np.testing.assert_allclose(curve["percent"], [100, 87.515, 51.2])
    assert curve["n_trials"].tolist() == [4, 4, 4]
    assert display.ax_.shape == (1,)


def test_conditions_keep_their_looks():
    results = conditions(3)
    names = ["condition 2", "condition 0", "condition 1"]
    display = ConditionCurvesDisplay.from_results(
        results, conditions=names, labels={"condition 0": "the first"}
    )
    assert texts(display.legend_) == ["condition 2", "the first", "condition 1"]
    part = ConditionCurvesDisplay.from_results(
        results[results["condition"] == "condition 0"], conditions=names
    )
    lines = [d.errorbars_["test_score"]["condition 0"].lines[0] for d in (display, part)]
    assert lines[0].get_color() == lines[1].get_color()
    assert lines[0].get_marker() == lines[1].get_marker()
    looks = {
        (bars.lines[0].get_color(), bars.lines[0].get_marker())
        for bars in display.errorbars_["test_score"].values()
    }
    assert len({color for color, _ in looks}) == len({marker for _, marker in looks}) == 3


@pytest.mark.parametrize("spread", ["range", "std", "ci95", None])
def test_one_trial_has_no_bars(spread):
    results = conditions()
    display = ConditionCurvesDisplay.from_results(results[results["trial"] == 0], spread=spread)
    assert not display.errorbars_["test_score"]["condition 0"].has_yerr
    results = evaluations()
    display = TrainingCurvesDisplay.from_results(
        results[results["trial"] == 0], score="loss", spread=spread
    )
    assert display.bands_ == [None] * 3


def test_missing_values_are_left_out():
    results = conditions(1)
    results.loc[results["percent"] == 51.2, "test_score"] = [np.nan, 1, 2, np.nan]
    (curve,) = ConditionCurvesDisplay.from_results(results).curves.values()
    assert curve["test_score"].iloc[-1] == 1.5


@pytest.mark.parametrize(
    "options, message",
    [
        ({"x": "density"}, r"x must be one of \('percent', 'n_weights'\), got 'density'"),
        ({"spread": "sd"}, r"spread must be one of \('range', .* None\), got 'sd'"),
        ({"columns": ["test_score", "score"]}, r"must have the columns \['score'\], got \["),
        ({"condition": "strategy"}, r"must have the columns \['strategy'\]"),
        ({"conditions": ["condition 0"]}, r"conditions must name all .*'condition 1'.* missing"),
    ],
)
def test_wrong_condition_curves(options, message):
    with pytest.raises(ValueError, match=message):
        ConditionCurvesDisplay.from_results(conditions(), **options)


def test_wrong_tables():
    results = conditions(8)
    with pytest.raises(ValueError, match="at most 7 conditions, .* got 8"):
        ConditionCurvesDisplay.from_results(results)
    with pytest.raises(ValueError, match="at least one row, got none"):
        ConditionCurvesDisplay.from_results(results[:0])
    with pytest.raises(ValueError, match="'condition' must name a condition in each row"):
        ConditionCurvesDisplay.from_results(results.assign(condition=np.nan))
    with pytest.raises(ValueError, match="several for condition same, trial 0, percent 100.0"):
        ConditionCurvesDisplay.from_results(results.assign(condition="same"))
    twice = pd.concat([evaluations(), evaluations()])
    with pytest.raises(ValueError, match="several for iteration 10, trial 0, percent 100.0"):
        TrainingCurvesDisplay.from_results(twice, score="loss")
    with pytest.raises(ValueError, match=r"must have the columns \['valid_score'\]"):
        TrainingCurvesDisplay.from_results(evaluations())


@pytest.mark.parametrize("relative_to", ["survivors", "initial"])
def test_initial_weights(trials, relative_to):
    display = InitialWeightsDisplay.from_tickets(trials, relative_to=relative_to, bins=6)
    for name in NAMES:
        edges = display.edges[name]
        assert len(edges) == 7
        for tickets, stairs in zip(trials, display.stairs_[name], strict=True):
            # The mask says what survives, even of weights that start at 0.
            weights = np.concatenate([t.initial[name][t.mask[name]] for t in tickets])
            expected, _ = np.histogram(weights, edges, density=True)
            if relative_to == "initial":
                expected = expected * len(weights) / sum(t.mask[name].size for t in tickets)
            np.testing.assert_allclose(stairs.get_data().values, expected)
            np.testing.assert_array_equal(stairs.get_data().edges, edges)
    assert texts(display.legend_)[0] == "100%"


def test_pruned_weights_are_not_among_the_initial_ones():
    values = np.linspace(-1, 1, 40).reshape(4, 10)
    ticket = Ticket({"layers.0.weight": values}, {"layers.0.weight": np.abs(values) > 0.5})
    full = Ticket({"layers.0.weight": values}, {"layers.0.weight": np.full((4, 10), True)})
    display = InitialWeightsDisplay.from_tickets([full, ticket], bins=8)
    assert display.counts["layers.0.weight"].sum(axis=1).tolist() == [40, 20]
    # Nothing between -0.5 and 0.5, where most of the pruned weights were.
    assert display.counts["layers.0.weight"][1].tolist() == [5, 5, 0, 0, 0, 0, 5, 5]


def test_survivors_of_training_lie_away_from_zero():
    X, y = load_digits(return_X_y=True)
    clf = WinningTicketClassifier((100,), prune_rate=0.5, rounds=4, max_epochs=5, random_state=0)
    display = InitialWeightsDisplay.from_estimator(clf.fit(X / 16, y), rounds=[0, 4])
    full, small = (stairs.get_data().values for stairs in display.stairs_["layers.0.weight"])
    middle = len(full) // 2
    assert full[middle] > 0.8 * full.max()
    assert small[middle] < 0.5 * min(small[:middle].max(), small[middle:].max())


def test_a_layer_without_survivors():
    weights = {"first": np.ones((2, 3)), "last": np.ones((1, 2))}
    mask = {"first": np.full((2, 3), False), "last": np.full((1, 2), True)}
    display = InitialWeightsDisplay.from_tickets([Ticket(weights, mask)])
    assert not display.stairs_["first"][0].get_data().values.any()
    assert [ax.get_title() for ax in display.ax_] == ["first", "last"]
    lines = ConnectivityDisplay.from_tickets([Ticket(weights, mask)]).lines_
    assert lines["incoming"]["first"][0].get_ydata().tolist() == [0, 0]


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_connectivity(trials, scale):
    display = ConnectivityDisplay.from_tickets(trials, scale=scale)
    assert display.ax_.shape == (2, 3)
    for direction, axis in (("incoming", 1), ("outgoing", 0)):
        for name in NAMES:
            for tickets, line in zip(trials, display.lines_[direction][name], strict=True):
                sorted_counts = [
                    sorted(t.mask[name].sum(axis=axis).tolist(), reverse=True) for t in tickets
                ]
                np.testing.assert_allclose(line.get_ydata(), np.mean(sorted_counts, axis=0))
                assert line.get_xdata()[0] == 1
    titles = [[ax.get_title() for ax in row] for row in display.ax_]
    assert titles == [
        ["into hidden layer 1", "into hidden layer 2", "into outputs"],
        ["out of inputs", "out of hidden layer 1", "out of hidden layer 2"],
    ]
    assert texts(display.legend_)[0] == "100%"


def test_connectivity_of_convolutions(convolutional):
    display = ConnectivityDisplay.from_estimator(convolutional, rounds=[2])
    mask = convolutional.tickets_[2].mask
    assert list(display.incoming) == list(mask)
    for name, array in mask.items():
        into = array.reshape(len(array), -1).sum(axis=1)
        out_of = np.moveaxis(array, 1, 0).reshape(array.shape[1], -1).sum(axis=1)
        np.testing.assert_array_equal(display.incoming[name][0], np.sort(into)[::-1])
        np.testing.assert_array_equal(display.outgoing[name][0], np.sort(out_of)[::-1])


def test_convolutions_in_other_displays(convolutional):
    display = InitialWeightsDisplay.from_estimator(convolutional)
    assert [ax.get_title() for ax in display.ax_] == list(convolutional.ticket_.mask)
    with pytest.raises(ValueError, match=r"fully connected first layer.*shape \(4, 1, 3, 3\)"):
        InputMaskDisplay.from_estimator(convolutional)


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_input_mask(trials, scale):
    display = InputMaskDisplay.from_tickets(trials, scale=scale)
    for tickets, image in zip(trials, display.images_, strict=True):
        expected = np.mean([t.mask[NAMES[0]].sum(axis=0) for t in tickets], axis=0).reshape(3, 3)
        drawn = image.get_array()
        np.testing.assert_allclose(drawn.filled(0), expected)
        np.testing.assert_array_equal(np.ma.getmaskarray(drawn), expected == 0)
        assert image.norm.vmax == 6
    assert display.colorbar_.ax.figure is display.figure_


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_unused_inputs_are_white(scale):
    mask = {"weight": np.array([[True, False, True, True], [True, False, False, True]])}
    display = InputMaskDisplay.from_tickets(Ticket({"weight": np.ones((2, 4))}, mask), scale=scale)
    (image,) = display.images_
    rgba = image.cmap(image.norm(image.get_array()))
    assert rgba[0, 1].tolist() == [1, 1, 1, 1]
    assert not (rgba[image.get_array().filled(0) > 0][:, :3].min(axis=1) > 0.9).any()


def test_shapes_of_inputs(random_ticket):
    ticket = random_ticket((6, 4))
    display = InputMaskDisplay.from_tickets(ticket, shape=(2, 3))
    assert display.images_[0].get_array().shape == (2, 3)
    with pytest.raises(ValueError, match=r"number of inputs, 6, is no square.* or \(1, 6\)"):
        InputMaskDisplay.from_tickets(ticket)
    for shape in ((2, 4), (6,), (1, 2, 3)):
        with pytest.raises(ValueError, match="rows and columns of an image of 6 inputs, got"):
            InputMaskDisplay.from_tickets(ticket, shape=shape)
    InputMaskDisplay.from_tickets(ticket, shape=(1, 6))


def test_first_layer_must_take_the_inputs():
    class Net(torch.nn.Sequential):
        def __init__(self):
            pool = [torch.nn.Unflatten(1, (1, 8, 8)), torch.nn.AvgPool2d(2), torch.nn.Flatten()]
            super().__init__(*pool, torch.nn.Linear(16, 10))

    net = NeuralNetClassifier(Net, criterion=torch.nn.CrossEntropyLoss, max_epochs=1, verbose=0)
    X, y = load_digits(return_X_y=True)
    clf = WinningTicketClassifier(net=net, rounds=1, random_state=0).fit(X[:200], y[:200])
    with pytest.raises(ValueError, match="takes 16 values, and there are 64 inputs"):
        InputMaskDisplay.from_estimator(clf)


@pytest.mark.parametrize(
    "display_class, option, message",
    [
        (InitialWeightsDisplay, "relative_to", r"one of \('survivors', 'initial'\), got 'all'"),
        (ConnectivityDisplay, "scale", r"one of \('log', 'linear'\), got 'all'"),
        (InputMaskDisplay, "scale", r"one of \('log', 'linear'\), got 'all'"),
    ],
)
def test_wrong_options(trials, display_class, option, message):
    with pytest.raises(ValueError, match=f"{option} must be {message}"):
        display_class.from_tickets(trials, **{option: "all"})
    assert plt.get_fignums() == []


def test_ticket_curve(clf):
    display = TicketCurveDisplay.from_estimator(clf)
    results = clf.round_results_
    pd.testing.assert_frame_equal(display.rounds, pd.DataFrame(results))
    scores, iterations = (ax.lines[0] for ax in display.ax_)
    np.testing.assert_allclose(scores.get_xdata(), 100 * results["density"])
    np.testing.assert_array_equal(scores.get_ydata(), results["valid_score"])
    np.testing.assert_array_equal(iterations.get_ydata(), results["iterations_to_match"])
    assert display.ax_[0].get_ylabel() == "validation accuracy"


def test_ticket_curve_with_test_rows_and_controls(model, clf):
    X, y = load_digits(return_X_y=True)
    X = model[:-1].transform(X)
    controls = {kind: fit_controls(clf, X, y, control=kind, n_controls=2) for kind in CONTROLS}
    X, y = X[300:400], y[300:400]
    display = TicketCurveDisplay.from_estimator(clf, X, y, fitted_controls=controls)
    expected = [(predicted == y).mean() for predicted in clf.staged_predict(X)]
    np.testing.assert_allclose(display.rounds["test_score"], expected)
    np.testing.assert_allclose(display.ax_[0].lines[0].get_ydata(), expected)
    expected = [other.score(X, y) for others in controls.values() for other in others]
    np.testing.assert_allclose(display.controls["test_score"], expected)
    assert list(display.controls["control"]) == ["reinit", "reinit", "rearrange", "rearrange"]
    assert np.allclose(display.controls["density"], clf.density_)
    drawn = [line.get_ydata() for line in display.ax_[0].lines if "(2)" in str(line.get_label())]
    np.testing.assert_allclose(np.concatenate(drawn), expected)


def test_all_that_the_ticket_curve_draws_is_within_its_axes():
    table = pd.concat(
        rounds_of(trial, [30, 20, 10], [False, True, True]).assign(
            test_score=[0.5 + trial, 0.6, 0.7]
        )
        for trial in range(3)
    )
    controls = table[table["round"] == 2].assign(control="reinit", test_score=[-5.0, 0, 9])
    low, high = TicketCurveDisplay.from_results(table, controls=controls).ax_[0].get_ylim()
    assert low < -5 and high > 9
    low, high = TicketCurveDisplay.from_results(table).ax_[0].get_ylim()
    assert low < 0.5 and high > 2.5


def rounds_of(trial, matched, wins):
    return pd.DataFrame(
        {
            "trial": trial,
            "round": [0, 1, 2],
            "density": [1, 0.8, 0.64],
            "iterations_to_match": matched,
            "is_winning": wins,
            "n_steps": 90,
            "valid_score": [0.5, 0.6, 0.7],
            "test_score": [0.5, 0.6 + 0.01 * trial, 0.7],
        }
    )


def test_ticket_curve_of_several_searches():
    table = pd.concat(
        [
            rounds_of(0, [30, 20, np.nan], [False, True, True]),
            rounds_of(1, [40, 10, np.nan], [False, False, False]),
            rounds_of(2, [50, np.nan, 60], [False, True, False]),
        ]
    )
    display = TicketCurveDisplay.from_results(table)
    scores, iterations = display.ax_
    np.testing.assert_allclose(scores.lines[0].get_ydata(), [0.5, 0.61, 0.7])
    # What never matched is later than all others; where most never did, there is no point.
    np.testing.assert_array_equal(iterations.lines[0].get_ydata(), [40, 20, np.nan])
    arrows = [line for line in iterations.lines if line.get_marker() == "^"]
    assert [line.get_xdata().tolist() for line in arrows] == [[64]]
    assert [line.get_ydata().tolist() for line in arrows] == [[90]]
    labels = [text.get_text() for text in display.legend_.get_texts()]
    assert labels[0] == "3 searches: mean and range" and labels[-1] == "never matched"
    winning = next(line for line in scores.lines if line.get_label() == "a winning ticket")
    filled = [
        line
        for line in scores.lines
        if line.get_marker() == "o"
        and line.get_markerfacecolor() == winning.get_markerfacecolor()
        and len(line.get_xdata())
    ]
    assert [line.get_xdata().tolist() for line in filled] == [[pytest.approx(80)]]
    with pytest.raises(ValueError, match="one row for each point"):
        TicketCurveDisplay.from_results(pd.concat([table, table]))
    with pytest.raises(ValueError, match=r"columns \['n_steps'\]"):
        TicketCurveDisplay.from_results(table.drop(columns="n_steps"))


def test_input_masks_are_titled_by_what_remains(clf):
    display = InputMaskDisplay.from_estimator(clf, rounds=[1, 2])
    percents = [100 * clf.tickets_[number].density for number in (1, 2)]
    assert [ax.get_title() for ax in display.ax_] == [f"{p:.3g}% remaining" for p in percents]


def capped_conditions():
    results = conditions()
    results["is_capped"] = (results["percent"] == 51.2) & (results["trial"] == 2)
    return results


def arrows(ax):
    return [line for line in ax.get_lines() if "arrow" in str(line.get_marker())]


@pytest.mark.parametrize("panels", ["together", "separate"])
def test_iterations_that_are_only_a_lower_bound_are_marked(panels):
    display = ConditionCurvesDisplay.from_results(capped_conditions(), panels=panels)
    of_iterations, of_scores = display.ax_.reshape(2, -1)
    marked = [line for ax in of_iterations for line in arrows(ax) if len(line.get_xdata())]
    # One trial of the smallest size is enough, in each condition.
    assert [line.get_xdata(orig=False).tolist() for line in marked] == [[51.2], [51.2]]
    means = [display.curves[f"condition {n}"]["iterations_to_converge"].iloc[-1] for n in range(2)]
    np.testing.assert_allclose([line.get_ydata(orig=False)[0] for line in marked], means)
    assert not any(arrows(ax) for ax in of_scores)
    assert "at least: lowest loss at the last evaluation" in texts(display.legend_)
    # They fit in: the picture ends above their tips.
    display.figure_.draw_without_rendering()
    for line in marked:
        assert line.get_window_extent().y1 < line.axes.get_window_extent().y1


def test_nothing_is_marked_where_all_trainings_were_long_enough():
    display = ConditionCurvesDisplay.from_results(capped_conditions().assign(is_capped=False))
    assert len(texts(display.legend_)) == 2


def test_separate_panels():
    results = conditions(3)
    display = ConditionCurvesDisplay.from_results(results, panels="separate")
    assert display.ax_.shape == (2, 3)
    assert [ax.get_title() for ax in display.ax_[0]] == [f"condition {n}" for n in range(3)]
    for row, column in zip(display.ax_, display.columns, strict=True):
        assert len({ax.get_ylim() for ax in row}) == 1
        for number, ax in enumerate(row):
            line = display.errorbars_[column][f"condition {number}"].lines[0]
            assert line.axes is ax
            curve = display.curves[f"condition {number}"]
            np.testing.assert_allclose(line.get_ydata(orig=False), curve[column])
            (band,) = ax.collections
            low, high = band.get_datalim(ax.transData).intervaly
            assert (low, high) == (curve[f"{column}_low"].min(), curve[f"{column}_high"].max())
    assert texts(display.legend_) == ["this condition", "the others"]
    _, axes = plt.subplots(6)
    assert display.plot(ax=axes).ax_[1, 2] is axes[5]


def test_wrong_panels():
    with pytest.raises(ValueError, match=r"panels must be one of \('together', 'separate'\)"):
        ConditionCurvesDisplay.from_results(conditions(), panels="one each")


@pytest.mark.parametrize(
    "spread, said",
    [
        ("range", "; bars: least to greatest"),
        ("std", "; bars: one standard deviation either way"),
        ("ci95", "; bars: 95% interval of the mean"),
        (None, ""),
    ],
)
def test_legends_tell_the_number_of_trials(spread, said):
    display = ConditionCurvesDisplay.from_results(conditions(), spread=spread)
    assert display.legend_.get_title().get_text() == f"mean of 4 trials{said}"
    fewer = conditions().query("trial < 3 or percent > 60")
    title = ConditionCurvesDisplay.from_results(fewer).legend_.get_title().get_text()
    assert title.startswith("mean of 3 to 4 trials")
    display = TrainingCurvesDisplay.from_results(evaluations(), score="loss", spread=spread)
    assert "of 3 trials" in display.legend_.get_title().get_text().replace("\n", " ")


def test_axes_do_not_zoom_into_noise():
    # Two standard errors of means that hardly differ; the bars drawn are none.
    noise = np.array([-3, -1, 1, 3]) / np.sqrt(20 / 3)  # of standard deviation 1
    rows = [
        ("one", trial, percent, 100, mean + noise[trial])
        for percent, mean in ((100.0, 50.0), (50.0, 50.1))
        for trial in range(4)
    ]
    columns = ["condition", "trial", "percent", "iterations_to_converge", "test_score"]
    results = pd.DataFrame(rows, columns=columns)
    display = ConditionCurvesDisplay.from_results(results, columns="test_score", spread=None)
    low, high = display.ax_[0].get_ylim()
    assert low <= 50 - 2 * 0.5 and high >= 50.1 + 2 * 0.5
    evaluated = results.rename(columns={"iterations_to_converge": "iteration"})
    low, high = TrainingCurvesDisplay.from_results(
        evaluated, score="test_score", spread=None
    ).ax_.get_ylim()
    assert low <= 50 - 2 * 0.5 and high >= 50.1 + 2 * 0.5


def test_axes_of_one_trial_show_what_its_values_scatter_by():
    # From each to the next they differ by 1, as noise of standard deviation sqrt(1 / 2) does.
    scores = 50 + np.arange(6) % 2
    search = pd.DataFrame(
        {
            "round": range(6),
            "density": 0.8 ** np.arange(6),
            "iterations_to_match": 10.0,
            "is_winning": True,
            "n_steps": 20,
            "valid_score": scores,
        }
    )
    low, high = TicketCurveDisplay.from_results(search).ax_[0].get_ylim()
    assert low <= 50 - np.sqrt(2) and high >= 51 + np.sqrt(2)
