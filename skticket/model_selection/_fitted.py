"""The ticket estimator within Pipelines, searches and other meta-estimators."""

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from ..estimators import WinningTicketBase


def _parts(values):
    """Estimators among values, and in their lists, tuples and dicts."""
    for value in values:
        if isinstance(value, BaseEstimator):
            yield value
        elif isinstance(value, dict):
            yield from _parts(value.values())
        elif isinstance(value, list | tuple):
            yield from _parts(value)


def _fitted_tickets(estimator):
    """Fitted ticket estimators in `estimator`, each once."""
    if isinstance(estimator, WinningTicketBase):
        return {id(estimator): estimator} if hasattr(estimator, "ticket_") else {}
    if isinstance(estimator, Pipeline):
        # The final step's ticket predicts; one before it has selected features.
        groups = [[step] for _, step in reversed(estimator.steps)]
    else:
        # What a fit made comes before the parameters, which it left as they were.
        fitted = {name for name in vars(estimator) if name.endswith("_")}
        groups = [
            [value for name, value in vars(estimator).items() if (name in fitted) == wanted]
            for wanted in (True, False)
        ]
    for group in groups:
        found = {}
        for part in _parts(group):
            found |= _fitted_tickets(part)
        if found:
            return found
    return {}


def ticket_estimator(estimator):
    """Return the one fitted ticket estimator in an estimator.

    Parameters
    ----------
    estimator : estimator
        A fitted `WinningTicketClassifier` or `WinningTicketRegressor`, or a Pipeline, search or
        other meta-estimator that contains one.

    Returns
    -------
    WinningTicketClassifier or WinningTicketRegressor
        The very one, no copy.

    Raises
    ------
    ValueError
        If there is none, or more than one.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.model_selection import ticket_estimator
    >>> clf = WinningTicketClassifier((10,), rounds=1, max_epochs=1, random_state=0)
    >>> model = make_pipeline(StandardScaler(), clf).fit(*load_iris(return_X_y=True))
    >>> ticket_estimator(model).ticket_
    Ticket(density=0.8429, n_weights=59)
    """
    found = list(_fitted_tickets(estimator).values())
    if len(found) != 1:
        raise ValueError(
            "estimator must be, or contain, one fitted WinningTicketClassifier or "
            f"WinningTicketRegressor; found {len(found)} in {estimator!r}"
        )
    return found[0]
