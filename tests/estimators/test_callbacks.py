"""Progress: scikit-learn's callbacks, on the estimator and from around it."""

import re
from collections import Counter

import numpy as np
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skticket import WinningTicketClassifier, WinningTicketRegressor

X, y = make_classification(90, 5, class_sep=2, random_state=0)


def estimator(cls=WinningTicketClassifier, **parameters):
    defaults = {"hidden_layer_sizes": (6,), "rounds": 2, "max_epochs": 3, "random_state": 0}
    return cls(**(defaults | parameters))


class Recording:
    """Records its hooks; stops the tasks of some name after so many of them."""

    def __init__(self, stop=None, after=1):
        self.stop, self.after = stop, after
        self.calls = []

    def _record(self, hook, context):
        path = []
        while context is not None:
            path.append((context.task_name, context.task_id))
            context = context.parent
        self.calls.append((hook, tuple(path[::-1])))

    def setup(self, estimator, context):
        self._record("setup", context)

    def teardown(self, estimator, context):
        self._record("teardown", context)

    def on_fit_task_begin(self, estimator, context):
        self._record("begin", context)

    def on_fit_task_end(self, estimator, context):
        self._record("end", context)
        return context.task_name == self.stop and context.task_id + 1 >= self.after

    def paths(self, hook):
        return [path for called, path in self.calls if called == hook]


class RecordingEverywhere(Recording):
    max_propagation_depth = None


def tree(n_rounds, n_epochs, root="fit"):
    """Paths of all tasks of a fit, in the order in which they end."""
    paths = []
    for number in range(n_rounds):
        round_path = ((root, 0), ("round", number))
        paths += [(*round_path, ("epoch", epoch)) for epoch in range(n_epochs)] + [round_path]
    return [*paths, ((root, 0),)]


# Tasks


@pytest.mark.parametrize("cls", [WinningTicketClassifier, WinningTicketRegressor])
@pytest.mark.parametrize(
    "parameters, n_rounds, n_epochs",
    [
        ({}, 3, 3),
        ({"rounds": 0}, 1, 3),
        ({"rounds": 4, "schedule": "one-shot"}, 2, 3),
        # 81 rows in batches of 30 are 9 steps in three epochs.
        ({"batch_size": 30, "evaluate_every": 2}, 3, 5),
    ],
)
def test_rounds_and_inside_them_epochs(cls, parameters, n_rounds, n_epochs):
    recording = Recording()
    estimator(cls, **parameters).set_callbacks(recording).fit(X, y)
    assert recording.paths("end") == tree(n_rounds, n_epochs)
    assert Counter(recording.paths("begin")) == Counter(recording.paths("end"))
    begun = [path for hook, path in recording.calls if hook == "begin" and len(path) < 3]
    assert begun[0] == (("fit", 0),)
    assert recording.paths("setup") == recording.paths("teardown") == [(("fit", 0),)]
    assert recording.calls[-1][0] == "teardown"


def test_announced_numbers_of_tasks():
    announced = {}

    class Announced(Recording):
        def on_fit_task_begin(self, estimator, context):
            announced.setdefault(context.task_name, set()).add(context.max_subtasks)

    estimator(rounds=4).set_callbacks(Announced()).fit(X, y)
    assert announced == {"fit": {5}, "round": {3}, "epoch": {0}}


def test_callbacks_do_not_change_the_search():
    expected = estimator().fit(X, y)
    clf = estimator().set_callbacks(Recording(), ScoringMonitor(scoring="accuracy")).fit(X, y)
    assert clf.tickets_ == expected.tickets_


def test_callback_may_end_a_training():
    recording = Recording(stop="epoch", after=2)
    clf = estimator().set_callbacks(recording).fit(X, y)
    assert recording.paths("end") == tree(3, 2)
    assert [len(history) for history in clf.histories_] == [2, 2, 2]
    assert clf.n_iter_ == 2 * 6  # 81 rows in batches of 16


def test_callback_may_end_the_search():
    recording = Recording(stop="round", after=2)
    clf = estimator(rounds=5).set_callbacks(recording).fit(X, y)
    assert recording.paths("end") == tree(2, 3)
    assert clf.tickets_ == estimator(rounds=1).fit(X, y).tickets_
    assert clf.selected_round_ == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("task", ["fit", "round", "epoch"])
def test_error_of_a_callback(task, error):
    class Failing(Recording):
        def on_fit_task_begin(self, estimator, context):
            if context.task_name == task:
                raise error("of the callback")

    failing = Failing()
    clf = estimator().set_callbacks(failing)
    with pytest.raises(error, match="of the callback"):
        clf.fit(X, y)
    assert [hook for hook, _ in failing.calls].count("teardown") == 1
    assert not hasattr(clf, "_callback_fit_ctx")


def test_callbacks_are_torn_down_after_an_error():
    recording = Recording()
    clf = estimator(optimizer="sgd", learning_rate=1e30).set_callbacks(recording)
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(X, y)
    assert [hook for hook, _ in recording.calls].count("teardown") == 1


def test_estimators_as_they_were_at_each_task():
    seen = []

    class Watching(Recording):
        def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
            predicted = fitted_estimator.predict(np.asarray(X, "float32"))
            seen.append((context.task_name, fitted_estimator.ticket_, predicted))
            assert len(y) == len(X) == 90

    clf = estimator(select="best").set_callbacks(Watching()).fit(X, y)
    assert [name for name, *_ in seen] == [path[-1][0] for path in tree(3, 3)]
    rounds = [ticket for name, ticket, _ in seen if name == "round"]
    assert rounds == clf.tickets_
    assert seen[-1][1] == clf.ticket_
    np.testing.assert_array_equal(seen[-1][2], clf.predict(X))
    # The epochs of a round have its masks, and weights that go on changing.
    for number in range(3):
        epochs = [ticket for _, ticket, _ in seen[4 * number : 4 * number + 3]]
        for ticket in epochs:
            assert ticket.layer_densities == rounds[number].layer_densities
        assert epochs[0] != epochs[1] != epochs[2]
        assert rounds[number].weights["layers.0.weight"].tobytes() in {
            ticket.weights["layers.0.weight"].tobytes() for ticket in epochs
        }


def test_scoring_monitor():
    monitor = ScoringMonitor(scoring="accuracy")
    clf = estimator(max_epochs=10).set_callbacks(monitor).fit(X, y)
    frame = monitor.get_logs().data_as_pandas
    assert Counter(frame["task_name"]) == {"epoch": 30, "round": 3, "fit": 1}
    assert frame["accuracy"].between(0, 1).all()
    (last,) = frame.loc[frame["task_name"] == "fit", "accuracy"]
    assert last == clf.score(X, y)


# From around


def test_pipeline():
    recording = RecordingEverywhere()
    pipeline = make_pipeline(StandardScaler(), estimator()).set_callbacks(recording)
    pipeline.fit(X, y)
    paths = [path[1:] for path in recording.paths("end") if len(path) > 2]
    assert [[name for name, _ in path[1:]] for path in paths] == [
        [name for name, _ in path[1:]] for path in tree(3, 3)[:-1]
    ]
    assert len(recording.paths("setup")) == len(recording.paths("teardown")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search(n_jobs):
    ended = []

    class Counting:
        """Keeps its counts in the process of the search, wherever the fits are."""

        max_propagation_depth = None

        def __init__(self):
            from sklearn.callback._transport import open_listener

            self.listener = open_listener(ended.append, owner=self)

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            from sklearn.callback._transport import send

            send(self.listener, (context.estimator_name, context.task_name))

    search = GridSearchCV(
        make_pipeline(StandardScaler(), estimator()),
        {"winningticketclassifier__rounds": [0, 1]},
        cv=2,
        n_jobs=n_jobs,
    ).set_callbacks(Counting())
    search.fit(X, y)
    counts = Counter(ended)
    refitted = 1 + search.best_params_["winningticketclassifier__rounds"]
    n_trainings = 2 * (1 + 2) + refitted
    assert counts["WinningTicketClassifier", "round"] == n_trainings
    assert counts["WinningTicketClassifier", "epoch"] == 3 * n_trainings


def test_own_callback_inside_a_grid_search():
    recording = Recording()
    grid = {"rounds": [0, 1]}
    search = GridSearchCV(estimator().set_callbacks(recording), grid, cv=2, refit=False).fit(X, y)
    expected = GridSearchCV(estimator(), grid, cv=2, refit=False).fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
    ended = Counter(path[-1][0] for path in recording.paths("end"))
    assert ended["round"] == 2 * (1 + 2)
    assert ended["epoch"] == 3 * ended["round"]


# Lines


def test_progress_bar(capsys):
    estimator().set_callbacks(ProgressBar()).fit(X, y)
    output = capsys.readouterr().out
    assert "WinningTicketClassifier - fit" in output
    for number in range(3):
        assert f"WinningTicketClassifier - round #{number}" in output
    assert "100%" in output
    assert not re.search(r"\b\d\d?%", output)  # none is left unfinished


@pytest.mark.parametrize("around", ["pipeline", "grid search", "both"])
def test_progress_bar_from_around(capsys, around):
    model = estimator()
    name = ""
    if around != "grid search":
        model = make_pipeline(StandardScaler(), model)
        name = "winningticketclassifier__"
    if around != "pipeline":
        model = GridSearchCV(model, {f"{name}rounds": [0, 1]}, cv=2)
    model.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, y)
    output = capsys.readouterr().out
    assert "WinningTicketClassifier - fit" in output
    assert "WinningTicketClassifier - round #0" in output
    assert "WinningTicketClassifier - round #1" in output
    assert not re.search(r"\b\d\d?%", output)


def test_progress_bar_after_early_end(capsys):
    estimator(max_epochs=50).set_callbacks(ProgressBar(), Recording("epoch", 2)).fit(X, y)
    assert not re.search(r"\b\d\d?%", capsys.readouterr().out)


@pytest.mark.parametrize("cls", [WinningTicketClassifier, WinningTicketRegressor])
@pytest.mark.parametrize("schedule, rounds", [("iterative", [0, 1, 2]), ("one-shot", [0, 1])])
def test_verbose_prints_a_line_a_round(capsys, cls, schedule, rounds):
    fitted = estimator(cls, verbose=1, schedule=schedule).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(rounds)
    for number, line in zip(rounds, lines, strict=True):
        assert re.match(rf"\D*\b{number}\b", line)
        percent = f"{100 * fitted.round_results_['density'][number]:.4g}"
        assert percent in line


def test_verbose_by_hand(capsys):
    clf = estimator(verbose=1).partial_fit(X, y).prune().rewind()
    assert len(capsys.readouterr().out.splitlines()) == 1
    clf.partial_fit(X, y)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("cls", [WinningTicketClassifier, WinningTicketRegressor])
def test_silent_by_default(capfd, cls):
    estimator(cls).fit(X, y).predict(X)
    output = capfd.readouterr()
    assert output.out == output.err == ""


def test_iterator_of_ones_own_is_evaluated_each_epoch():
    from skorch import NeuralNetClassifier
    from torch import nn
    from torch.utils.data import DataLoader

    class Loader(DataLoader):
        pass

    net = NeuralNetClassifier(
        nn.Linear, iterator_train=Loader, criterion=nn.CrossEntropyLoss, max_epochs=4, verbose=0
    ).set_params(module__in_features=X.shape[1], module__out_features=len(np.unique(y)))
    clf = WinningTicketClassifier(net=net, rounds=1, evaluate_every=1000, random_state=0)
    recording = Recording()
    clf.set_callbacks(recording).fit(X, y)
    assert [len(history) for history in clf.histories_] == [4, 4]
    assert recording.paths("end") == tree(2, 4)
