"""A card that goes with a model's file: what it does, how well, and of what it is made."""

from ..model_selection import ticket_estimator
from ..utils import extra, printable
from ._about import describe

# Whether it wins is for `text` to say.
_TITLE = "A ticket"
_USE = """\
```bash
python -m skticket predict model.skops FILE.csv  # predictions of its rows
python -m skticket export model.skops model.onnx  # for onnxruntime
```

```python
from skticket.persistence import load_model
model = load_model("model.skops")  # runs no code of the file
```"""


def write_card(model, path, *, target=None, scores=None, text="", tables=None, pictures=None):
    r"""Write a model card in Markdown, by `skops.card`.

    Parameters
    ----------
    model : estimator
        As for `save_model`.
    path : str or os.PathLike
        The file to write, such as "model.md".
    target : str, default=None
        What is predicted.
    scores : dict of str to float, default=None
        By their names, such as "test accuracy".
    text : str, default=""
        What there is to say of the model.
    tables : dict of str to DataFrame or dict, default=None
        By the titles of their sections.
    pictures : dict of str to str, default=None
        Names of files beside the card, by the titles of their sections.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.persistence import write_card
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = WinningTicketClassifier((20,), rounds=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_card(clf, f"{folder}/model.md", target="species", scores={"accuracy": 0.97})
    ...     print(Path(folder, "model.md").read_text("utf-8").split("\n")[3])
    It predicts `species` (classification) with 100 of 140 weights.
    """
    with extra("models", "model cards"):
        from skops.card import Card

    about = describe(model, target=target, scores=scores)
    card = Card(ticket_estimator(model), model_diagram=False, template=None)
    card.add(**{_TITLE: "\n\n".join([_summary(about), text]).strip()})
    columns = {_quoted(name): kind for name, kind in about["columns"].items()}
    scores = {name: f"{score:.4g}" for name, score in about["scores"].items()}
    known = {
        "Scores": _table(scores, "score", "value"),
        **(tables or {}),
        "Columns": _table(columns, "column", "taken for"),
        "Versions": _table(about["versions"], "of", "version"),
    }
    for title, table in known.items():
        if table is not None:
            card.add_table(**{f"{_TITLE}/{title}": table})
            # skops takes the whole way there for the title of a table.
            card.select(f"{_TITLE}/{title}").title = title
    for title, picture in (pictures or {}).items():
        card.add_plot(**{f"{_TITLE}/{title}": picture})
    card.add(**{f"{_TITLE}/How to use it": _USE})
    card.add_hyperparams(f"{_TITLE}/Parameters")
    card.save(path)


def _summary(about):
    predicted = "" if about["target"] is None else f" {_quoted(about['target'])}"
    n_weights, n_all = about["n_weights"], round(about["n_weights"] / about["density"])
    return f"It predicts{predicted} ({about['task']}) with {n_weights:,} of {n_all:,} weights."


def _table(values, *names):
    """A table of two columns with these names; None of nothing."""
    return dict(zip(names, map(list, zip(*values.items())))) if values else None


def _quoted(name):
    """A name of any origin as text that is no markup, in a table, too."""
    return "`" + printable(name).replace("`", "'").replace("|", "\\|") + "`"
