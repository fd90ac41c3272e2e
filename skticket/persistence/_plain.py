"""What of a model is code, or follows from the rest: left out of its file, and made again."""

from collections.abc import Mapping
from copy import copy, deepcopy

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import SplineTransformer

from ..estimators import WinningTicketBase, without_rounds


def plain(model):
    """Return a copy that predicts the same once it is `completed`.

    It has no rounds of a search but the ticket, and no callbacks. Columns that skrub has
    selected by asking questions, which are functions, are told by their names; and types of times
    by theirs, since the zone in them is an object that a file may not be able to hold. Splines,
    whose compiled code trusts their arrays, are left out.
    """
    model = deepcopy(_without_rounds(model))
    for part in _parts(model):
        if type(part).__name__ == "ApplyToEachCol":
            part.cols = list(getattr(part, "transformers_", ()))
        if type(part).__name__ == "ToDatetime" and hasattr(part, "output_dtype_"):
            part.output_dtype_ = str(part.output_dtype_)
        if _can_be_made_again(part):
            vars(part).pop("bsplines_", None)
    return model


def completed(model):
    """Make again, in place, what `plain` has left out, and return the model."""
    for part in _parts(model):
        if _can_be_made_again(part) and not hasattr(part, "bsplines_"):
            part.fit(part.knots)
    return model


def _without_rounds(model):
    if isinstance(model, WinningTicketBase):
        model = without_rounds(model)
    elif isinstance(model, Pipeline):
        model = copy(model)
        model.steps = [(name, _without_rounds(step)) for name, step in model.steps]
    return copy(model).set_callbacks() if hasattr(model, "set_callbacks") else model


def _can_be_made_again(part):
    """Whether the splines of a transformer follow from its parameters alone."""
    return isinstance(part, SplineTransformer) and not isinstance(part.knots, str)


def _parts(model):
    """Return the estimators within an estimator, and itself, each once."""
    found, waiting = {}, [model]
    while waiting:
        part = waiting.pop()
        if id(part) in found:
            continue
        if isinstance(part, BaseEstimator):
            found[id(part)] = part
            waiting += vars(part).values()
        elif isinstance(part, Mapping):
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
    return list(found.values())
