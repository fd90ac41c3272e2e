"""What a model's file says of the model."""

import platform
from importlib.metadata import version

from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from ..estimators import has_labels
from ..model_selection import ticket_estimator

# Of skrub's kinds of columns.
_KINDS = {
    "numeric": "number",
    "datetime": "date",
    "low_cardinality": "category",
    "high_cardinality": "text",
}


def describe(model, *, target=None, scores=None):
    """Return what JSON can hold of a fitted model: see `about_model`."""
    found = ticket_estimator(model)
    columns = _columns(model)
    return {
        "task": _task(found),
        "target": target,
        "columns": columns,
        # Of texts or dicts, which are no table, nobody knows.
        "n_columns": len(columns) or getattr(_steps(model)[0], "n_features_in_", None),
        "classes": [str(label) for label in getattr(found, "classes_", [])],
        "density": float(found.density_),
        "n_weights": found.ticket_.n_weights,
        "is_winning": found.is_winning_,
        "scores": {name: float(score) for name, score in (scores or {}).items()},
        "versions": _versions(model),
    }


def _task(estimator):
    if not is_classifier(estimator):
        return "regression"
    return "classification, several labels a row" if has_labels(estimator) else "classification"


def _columns(model):
    """What each column that has a name is taken for."""
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    first = _steps(model)[0]
    # skrub's TableVectorizer has told them apart.
    kinds = getattr(first, "column_to_kind_", None)
    if kinds is None:
        return dict.fromkeys(names, "number" if _takes_numbers_alone(first) else "as it is")
    kinds = {name: _KINDS.get(kind, kind) for name, kind in kinds.items()}
    return {name: kinds.get(name, "not used") for name in names}


def _takes_numbers_alone(step):
    tags = get_tags(step)
    others = tags.no_validation, tags.input_tags.categorical, tags.input_tags.string
    return not (isinstance(step, ColumnTransformer) or any(others))


def _versions(model):
    packages = ["skticket", "scikit-learn", "numpy"]
    if any(type(step).__module__.startswith("skrub.") for step in _steps(model)):
        packages.append("skrub")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _steps(model):
    if not isinstance(model, Pipeline):
        return [model]
    return [step for _, step in model.steps if step != "passthrough"]
