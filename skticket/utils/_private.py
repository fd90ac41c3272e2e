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

# Whoever listens to all modules listens to each.
from torch.nn.modules.module import _has_any_global_hook as has_global_hooks

__all__ = [
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
    "has_hooks",
    "is_as_its_class",
    "params_of_rows",
    "predict_nonlinearity",
    "rows_of",
    "set_cache",
    "validate_params",
]


def predict_nonlinearity(net):
    """Return what a skorch net makes probabilities of its outputs with.

    Its public methods apply it to whole data sets only, not to outputs that are already there.
    """
    return net._get_predict_nonlinearity()


def has_hooks(module):
    """Tell whether anybody listens to a module, its parts or its parameters.

    torch registers hooks, and has no public way to ask for them.
    """
    of_modules = [
        hooks
        for part in module.modules()
        for k, hooks in vars(part).items()
        if k.endswith("_hooks")
    ]
    of_parameters = [
        hooks
        for p in module.parameters()
        for hooks in (p._backward_hooks, p._post_accumulate_grad_hooks)
    ]
    return has_global_hooks() or any(of_modules) or any(of_parameters)


def is_as_its_class(module):
    """Tell whether an instance of a module has no methods of its own, such as `forward`."""
    replaced = [name for name in vars(module) if callable(getattr(type(module), name, None))]
    return not replaced and module._compiled_call_impl is None


def set_cache(dispatcher, cache):
    """Have a function of Numba's keep its compiled code in a cache of ours.

    Its public switch knows Numba's own alone, for which a damaged file is an error.
    """
    dispatcher._cache = cache
