"""A model's file, and what it says of itself."""

import json
from io import BytesIO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from sklearn.utils.validation import check_is_fitted

from ..utils import extra, replacing
from ._about import describe
from ._plain import completed, plain
from ._trusted import TRUSTED

_ABOUT = "about.json"


def save_model(model, path, *, target=None, scores=None, missing=()):
    """Write a fitted model to a file that runs no code when it is loaded.

    It keeps the ticket that predicts, not the other rounds of the search, which `joblib.dump`
    keeps, and no callbacks. The file appears whole or not at all.

    Parameters
    ----------
    model : estimator
        A fitted `WinningTicketClassifier` or `WinningTicketRegressor`, or a Pipeline with one.
        A network of one's own (`net`) is code, and refused.
    path : str or os.PathLike
        The file to write, such as "model.skops".
    target : str, default=None
        What is predicted.
    scores : dict of str to float, default=None
        By their names, such as "test accuracy".
    missing : sequence of str, default=()
        What in a table means that there is no value, besides what pandas takes for that.

    Raises
    ------
    ValueError
        If the model holds what no such file may hold.

    See Also
    --------
    load_model : The way back.
    skticket.Ticket.save : The ticket alone.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.persistence import about_model, load_model, save_model
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = WinningTicketClassifier((20,), rounds=2, random_state=0)
    >>> model = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.skops", scores={"accuracy": model.score(X, y)})
    ...     loaded = load_model(f"{folder}/model.skops")
    ...     about_model(f"{folder}/model.skops")["task"]
    'classification'
    >>> bool((loaded.predict(X) == model.predict(X)).all())
    True
    """
    with extra("models", "saved models"):
        from skops.io import dumps, get_untrusted_types

    check_is_fitted(model)
    about = describe(model, target=target, scores=scores) | {"missing": list(missing)}
    content = dumps(plain(model), compression=ZIP_DEFLATED)
    untrusted = set(get_untrusted_types(data=content)) - set(TRUSTED)
    if untrusted:
        raise ValueError(
            f"the model holds {', '.join(sorted(untrusted))}, which is code that a file cannot "
            "bring; joblib.dump keeps it, for those who trust the file"
        )
    file = BytesIO(content)
    with ZipFile(file, "a", ZIP_DEFLATED) as parts:
        parts.writestr(_ABOUT, json.dumps(about))
    with replacing(path) as temporary:
        temporary.write_bytes(file.getvalue())


def load_model(path):
    """Return the model in a file that `save_model` has written.

    No code of the file runs: types that `TRUSTED` does not name are refused.

    Parameters
    ----------
    path : str or os.PathLike
        The file to read.

    Returns
    -------
    estimator
        Predicts as the saved one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no model, is damaged, or holds types that are not trusted.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.persistence import load_model, save_model
    >>> clf = WinningTicketClassifier((20,), rounds=1, max_epochs=1, random_state=0)
    >>> clf = clf.fit(*load_iris(return_X_y=True))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(clf, f"{folder}/model.skops")
    ...     loaded = load_model(f"{folder}/model.skops")
    >>> loaded.ticket_ == clf.ticket_
    True
    """
    with extra("models", "saved models"):
        from skops.io import loads
        from skops.io.exceptions import UntrustedTypesFoundException

    content = _read(path)
    try:
        with extra("tables", "models of tables"):
            return completed(loads(content, trusted=list(TRUSTED)))
    except UntrustedTypesFoundException as error:
        raise ValueError(f"{path} is not loaded: {error}") from error
    except ImportError:
        raise
    except Exception as error:  # whatever damage leads to
        raise _damaged(path, error) from error


def about_model(path):
    """Return what a model's file says of itself; the model is not loaded.

    Parameters
    ----------
    path : str or os.PathLike
        The file to read.

    Returns
    -------
    dict
        `task`, `target`, `columns` (what each is taken for, by name), `n_columns` (None where
        it takes no table, but texts, say), `classes`, `density`, `n_weights`, `is_winning`,
        `scores`, `missing`, and `versions` of the libraries that made it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no model, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.persistence import about_model, save_model
    >>> clf = WinningTicketClassifier((20,), rounds=1, max_epochs=1, random_state=0)
    >>> clf = clf.fit(*load_iris(return_X_y=True))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(clf, f"{folder}/model.skops", target="species")
    ...     about = about_model(f"{folder}/model.skops")
    >>> about["task"], about["target"], about["n_columns"]
    ('classification', 'species', 4)
    """
    content = _read(path)
    try:
        with ZipFile(BytesIO(content)) as parts:
            about = json.loads(parts.read(_ABOUT))
    except (BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError) as error:
        raise _damaged(path, error) from error
    return about


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _damaged(path, error):
    return ValueError(
        f"{path} is not a model that skticket has saved, or is damaged "
        f"({type(error).__name__}: {error})"
    )
