"""Private names of other libraries: all that are used, each with its reason.

A release of theirs that moves one is answered here.
"""

# What scikit-learn's own estimators and functions declare their parameters with. Without it a
# wrong value would be found late, and told in words of our own.
from sklearn.base import _fit_context as fit_context

# X may be an array, a sparse matrix or a data frame; no public function takes rows of all three.
from sklearn.utils import _safe_indexing as rows_of
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    validate_params,
)

# Splits what belongs to rows with the rows, by the rules of scikit-learn's own splitters.
from sklearn.utils.validation import _check_method_params as params_of_rows

# The public checks know nothing of sample weights.
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
    "params_of_rows",
    "predict_nonlinearity",
    "rows_of",
    "validate_params",
]


def predict_nonlinearity(net):
    """Return what a skorch net makes probabilities of its outputs with.

    Its public methods apply it to whole data sets only, not to outputs that are already there.
    """
    return net._get_predict_nonlinearity()
