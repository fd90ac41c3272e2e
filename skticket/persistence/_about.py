"""What a model's file says of the model."""

import platform
from importlib.metadata import version

from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

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
        "n_columns": len(columns) or int(_steps(model)[0].n_features_in_),
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
    # skrub's TableVectorizer has told them apart.
    kinds = getattr(_steps(model)[0], "column_to_kind_", None)
    if kinds is None:
        return dict.fromkeys(names, "number")
    kinds = {name: _KINDS.get(kind, kind) for name, kind in kinds.items()}
    return {name: kinds.get(name, "not used") for name in names}


def _versions(model):
    packages = ["skticket", "scikit-learn", "numpy"]
    if any(type(step).__module__.startswith("skrub.") for step in _steps(model)):
        packages.append("skrub")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _steps(model):
    if not isinstance(model, Pipeline):
        return [model]
    return [step for _, step in model.steps if step != "passthrough"]
