"""Models in files: what comes back predicts the same, and nothing else comes back."""

import io
import pickle
import subprocess
import sys
import textwrap
import zipfile

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from small import (
    NAMES,
    UNIT_NAMES,
    X,
    classifier,
    regressor,
    same_results,
    squares,
    with_net,
    y,
    y_regression,
)

from skticket import TicketSelector, TicketTransformer, WinningTicketClassifier
from skticket.initialization import Normal
from skticket.persistence import TRUSTED, about_model, load_model, save_model, write_card
from skticket.pruning import Magnitude, Movement

LABELS = np.array(["first", "zweite", "третий"])
indicators = (X[:, :3] > 0).astype(int)


def assert_predicts_the_same(loaded, model, rows):
    for method in ("predict", "predict_proba", "predict_log_proba"):
        if hasattr(model, method):
            np.testing.assert_array_equal(
                getattr(loaded, method)(rows), getattr(model, method)(rows)
            )


@pytest.mark.parametrize(
    "model, targets",
    [
        (classifier(), y),
        (classifier(), LABELS[y]),
        (classifier(), LABELS[y].astype(object)),
        (classifier(), y == 1),
        (classifier(), indicators),
        (classifier(rewind_to=3, warm_start=True), y),
        (classifier(strategy=Magnitude("global"), init=Normal(0.2)), y),
        (classifier(strategy="snip", random_state=np.random.RandomState(0)), y),
        (regressor(), y_regression),
        (regressor(), np.column_stack([y_regression, 2 * y_regression])),
        (make_pipeline(StandardScaler(), classifier()), LABELS[y]),
        (make_pipeline(TicketTransformer(classifier()), LogisticRegression()), y),
        (make_pipeline(StandardScaler(), TicketSelector(classifier()), classifier()), y),
    ],
    ids=range(13),
)
def test_what_is_saved_predicts_the_same(model, targets, tmp_path):
    model.fit(X, targets)
    save_model(model, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    assert_predicts_the_same(loaded, model, X)
    assert_predicts_the_same(loaded, model, X.astype(np.float32))
    if hasattr(model, "ticket_"):
        assert loaded.ticket_ == model.ticket_
        # A net is built when it is asked for.
        rows = X[:5].astype(np.float32)
        np.testing.assert_array_equal(loaded.net_.forward(rows), model.net_.forward(rows))
    # skops itself loads it by the list of trusted types.
    by_skops = skops.io.load(tmp_path / "model.skops", trusted=list(TRUSTED))
    assert_predicts_the_same(by_skops, model, X)


def by_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def by_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    return joblib.load(file)


def by_skops(estimator):
    content = skops.io.dumps(estimator)
    untrusted = set(skops.io.get_untrusted_types(data=content))
    # Nothing else of this package, let alone of torch or skorch.
    of_one = ("estimators._classifier.WinningTicketClassifier", "ticket.Ticket")
    assert untrusted == {f"skticket.{name}" for name in of_one}
    return skops.io.loads(content, trusted=list(TRUSTED))


@pytest.mark.parametrize("way", [by_pickle, by_joblib, by_skops])
def test_all_of_an_estimator_comes_back(way):
    clf = classifier(warm_start=True, rewind_to=2).fit(X, y).sparsify()
    loaded = way(clf)
    assert loaded.tickets_ == clf.tickets_
    assert loaded.histories_ == clf.histories_
    assert same_results(loaded.round_results_, clf.round_results_)
    np.testing.assert_array_equal(loaded.round_results_["fit_time"], clf.round_results_["fit_time"])
    assert vars(loaded).keys() == vars(clf).keys()
    values = {n: v for n, v in vars(clf).items() if isinstance(v, bool | int | float | str | tuple)}
    assert {name: vars(loaded)[name] for name in values} == values
    assert_predicts_the_same(loaded, clf, X)
    assert loaded._predictor.engine == "sparse"
    for one, other in zip(loaded.staged_predict(X), clf.staged_predict(X), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_loaded_estimator_goes_on(n_trained):
    loaded = by_skops(classifier(warm_start=True).fit(X, y))
    n_trained.clear()
    loaded.set_params(rounds=3).fit(X, y)
    assert len(n_trained) == 1
    assert loaded.ticket_ == classifier(rounds=3).fit(X, y).ticket_


def test_what_is_saved_can_be_trained_on(tmp_path):
    clf = classifier().fit(X, y)
    save_model(clf, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    assert loaded.tickets_ == [] and loaded.round_results_ == {}
    assert loaded.prune().ticket_ == clf.prune().ticket_
    assert loaded.rewind().partial_fit(X, y).tickets_ == [loaded.ticket_]


def test_saving_leaves_the_model_as_it_is(tmp_path):
    model = make_pipeline(StandardScaler(), classifier()).fit(X, y)
    before = pickle.dumps(model)
    save_model(model, tmp_path / "model.skops")
    assert pickle.dumps(model) == before


@pytest.mark.parametrize(
    "strategy", [*NAMES, *UNIT_NAMES, Movement("global"), "grasp", "synflow"], ids=str
)
def test_every_strategy(strategy, tmp_path):
    clf = classifier(strategy=strategy, prune_rate=1, max_epochs=1).fit(X, y)
    save_model(clf, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    assert str(loaded.strategy) == str(strategy)
    assert loaded.ticket_ == clf.ticket_


# What it says of itself


def test_about(tmp_path):
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(6)])
    model = make_pipeline(StandardScaler(), classifier()).fit(frame, LABELS[y])
    scores = {"test accuracy": np.float64(0.5)}
    save_model(model, tmp_path / "model.skops", target="kind", scores=scores)
    about = about_model(tmp_path / "model.skops")
    assert about["task"] == "classification"
    assert about["target"] == "kind"
    assert about["columns"] == dict.fromkeys(frame, "number")
    assert about["classes"] == sorted(LABELS)
    assert about["density"] == model[-1].density_
    assert about["n_weights"] == model[-1].ticket_.n_weights
    assert about["scores"] == {"test accuracy": 0.5}
    assert {"python", "skticket", "scikit-learn", "numpy"} == about["versions"].keys()


@pytest.mark.parametrize(
    "model, targets, task",
    [
        (classifier(), indicators, "classification, several labels a row"),
        (regressor(), y_regression, "regression"),
    ],
)
def test_about_other_tasks(model, targets, task, tmp_path):
    save_model(model.fit(X, targets), tmp_path / "model.skops")
    about = about_model(tmp_path / "model.skops")
    assert about["task"] == task
    assert about["columns"] == {} and about["n_columns"] == 6


def test_a_card(tmp_path):
    frame = pd.DataFrame(X, columns=["a|b", "`c`", "<b>", "d\ne", "f", "g"])
    model = make_pipeline(StandardScaler(), classifier()).fit(frame, LABELS[y])
    write_card(
        model,
        tmp_path / "model.md",
        target="[kind](x)",
        scores={"test accuracy": 2 / 3},
        text="It won.",
        tables={"Controls": {"control": ["reinit"], "test": [0.5]}},
        pictures={"Rounds": "rounds.png"},
    )
    card = (tmp_path / "model.md").read_text("utf-8")
    assert "winning" not in card
    for part in (
        "`[kind](x)` (classification)",
        "It won.",
        "| test accuracy | 0.6667 |",
        "## Controls",
        "![Rounds](rounds.png)",
        "`a\\|b`",
        "`'c'`",
        "`<b>`",
        "`d\\ne`",
        "scikit-learn",
        "hidden_layer_sizes",
    ):
        assert part in card, part


# What no file may hold


class Own(WinningTicketClassifier):
    pass


def same(X):
    return X


@pytest.mark.parametrize(
    "model, name",
    [
        (with_net(), "small.Dropping"),
        (classifier(strategy=squares), "small.squares"),
        (make_pipeline(FunctionTransformer(same), classifier()), "test_model.same"),
        (Own((3,), rounds=0), "test_model.Own"),
    ],
    ids=["net", "strategy", "function", "subclass"],
)
def test_code_is_refused(model, name, tmp_path):
    model.fit(X, y)
    with pytest.raises(ValueError, match=rf"{name}.*joblib.dump"):
        save_model(model, tmp_path / "model.skops")
    assert not list(tmp_path.iterdir())
    skops.io.dump(model, tmp_path / "other.skops")
    with pytest.raises(ValueError, match=name):
        load_model(tmp_path / "other.skops")


def test_what_is_no_ticket_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be, or contain, one fitted Winning"):
        save_model(LogisticRegression().fit(X, y), tmp_path / "model.skops")
    with pytest.raises(ValueError, match="not fitted"):
        save_model(classifier(), tmp_path / "model.skops")


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """What is in the file of a model."""
    path = tmp_path_factory.mktemp("models") / "model.skops"
    save_model(classifier(max_epochs=1).fit(X, y), path)
    return path.read_bytes()


def rewritten(content, change):
    """Change the parts of a file, by their names."""
    file, out = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        for name in file.namelist():
            parts.writestr(name, change(name, file.read(name)))
    return out.getvalue()


class Evil:
    """Something that runs code as a pickle would."""

    def __reduce__(self):
        return print, ("it ran",)


@pytest.mark.parametrize(
    "old, new",
    [
        ('"Ticket"', '"reaching_units"'),
        ('"skticket.ticket"', '"os"'),
        ('"WinningTicketClassifier"', '"Loop"'),
        ('"ObjectNode"', '"ReduceNode"'),
        ('"_run"', '"other"'),
        ('"ticket_"', '"other"'),
        ('"trained"', '"known"'),
    ],
)
def test_another_schema_is_refused(content, old, new, tmp_path):
    def change(name, data):
        assert name != "schema.json" or old.encode() in data
        return data.replace(old.encode(), new.encode()) if name == "schema.json" else data

    (tmp_path / "evil.skops").write_bytes(rewritten(content, change))
    if old == '"ticket_"':
        # As if nothing had been fitted.
        assert not hasattr(load_model(tmp_path / "evil.skops"), "ticket_")
        return
    with pytest.raises(ValueError, match="evil.skops"):
        load_model(tmp_path / "evil.skops")


def test_a_pickle_is_not_opened(tmp_path, capsys):
    (tmp_path / "model.skops").write_bytes(pickle.dumps(Evil()))
    for read in (load_model, about_model):
        with pytest.raises(ValueError, match="not a model"):
            read(tmp_path / "model.skops")
    assert not capsys.readouterr().out


def test_an_array_that_is_a_pickle_is_not_opened(content, tmp_path, capsys):
    array = np.empty(1, object)
    array[0] = Evil()
    evil = io.BytesIO()
    np.save(evil, array, allow_pickle=True)
    (tmp_path / "evil.skops").write_bytes(
        rewritten(content, lambda name, data: evil.getvalue() if name.endswith(".npy") else data)
    )
    with pytest.raises(ValueError, match="evil.skops"):
        load_model(tmp_path / "evil.skops")
    assert not capsys.readouterr().out


def test_damage_is_told(content, tmp_path):
    for case in [b"", b"PK", content[: len(content) // 2]]:
        (tmp_path / "damaged.skops").write_bytes(case)
        for read in (load_model, about_model):
            with pytest.raises(ValueError, match="damaged.skops"):
                read(tmp_path / "damaged.skops")
    (tmp_path / "damaged.skops").write_bytes(content[100:])
    with pytest.raises(ValueError, match="damaged.skops"):
        load_model(tmp_path / "damaged.skops")
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "absent.skops")


def test_a_changed_bit_is_told_or_changes_nothing(content, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "model.skops").write_bytes(content)
    expected = load_model(tmp_path / "model.skops").predict_proba(X)
    for _ in range(30):
        changed = bytearray(content)
        changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
        (tmp_path / "damaged.skops").write_bytes(bytes(changed))
        try:
            loaded = load_model(tmp_path / "damaged.skops")
        except ValueError as error:
            assert "damaged.skops" in str(error)
        else:
            np.testing.assert_array_equal(loaded.predict_proba(X), expected)


def test_a_missing_extra_is_named():
    code = """
        import sys
        sys.modules["skops"] = sys.modules["skops.io"] = None  # as if it were not there
        from skticket.persistence import load_model
        try:
            load_model(sys.argv[0])
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "pip install 'skticket[models]'" in done.stdout
