"""What a ticket makes of the inputs: its last hidden layer, or the features it uses."""

from abc import ABCMeta, abstractmethod
from copy import deepcopy

import numpy as np
from sklearn import get_config
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from .engines import Predictor
from .estimators import WinningTicketClassifier, WinningTicketRegressor, check_inputs, zero_row
from .network import as_rows
from .ticket import Ticket, reaching_units
from .utils import HasPage, fit_context, substitute

__all__ = ["TicketSelector", "TicketTransformer", "hidden_ticket"]

_PARAMETERS = """
    Parameters
    ----------
    estimator : WinningTicketClassifier or WinningTicketRegressor
        Finds the ticket: a prototype, cloned before it is fitted; or a fitted one, with
        `prefit=True` or inside a `sklearn.frozen.FrozenEstimator`.
    prefit : bool, default=False
        Whether `estimator` is fitted already: `fit` then takes a copy of it as it is.

    Attributes
    ----------
    estimator_ : WinningTicketClassifier or WinningTicketRegressor
        The fitted estimator.
    n_features_in_ : int
        Number of input features.
    feature_names_in_ : ndarray of str, shape (`n_features_in_`,)
        Names of the input features, where `X` has names.
"""


class _TicketMetaEstimator(HasPage, MetaEstimatorMixin, BaseEstimator, metaclass=ABCMeta):
    """What both transformers share: the estimator that finds the ticket."""

    _parameter_constraints = {
        "estimator": [WinningTicketClassifier, WinningTicketRegressor, FrozenEstimator],
        "prefit": ["boolean"],
    }

    def __init__(self, estimator, *, prefit=False):
        self.estimator = estimator
        self.prefit = prefit

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **fit_params):
        """Find the ticket.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets; not needed by an estimator that is fitted already.
        **fit_params : dict
            For the estimator's `fit`, such as `sample_weight`: routed to it where
            metadata routing is enabled, otherwise passed on. Ignored with `prefit=True`.

        Returns
        -------
        self : object
            Fitted transformer.

        Raises
        ------
        NotFittedError
            If `prefit=True` and the estimator is not fitted.
        """
        self.estimator_ = self._copy_fitted() if self.prefit else self._fit(X, y, fit_params)
        self._take_over(self.estimator_)
        for name in ("n_features_in_", "feature_names_in_"):
            vars(self).pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def _copy_fitted(self):
        try:
            check_is_fitted(self.estimator)
        except NotFittedError as error:
            raise NotFittedError(
                f"prefit=True needs a fitted estimator, and this {type(self.estimator).__name__} "
                "is not fitted"
            ) from error
        return deepcopy(self.estimator)

    def _fit(self, X, y, fit_params):
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        return clone(self.estimator).fit(X, y, **fit_params)

    @abstractmethod
    def _take_over(self, estimator):
        """Set what transforming needs from the fitted estimator."""

    def get_metadata_routing(self):
        """Return which metadata `fit` passes on to the estimator.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            The routing information.
        """
        return MetadataRouter(owner=self).add(
            estimator=self.estimator,
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags = inner.target_tags
        tags.target_tags.required = inner.target_tags.required and not self.prefit
        return tags


@substitute(parameters=_PARAMETERS)
class TicketTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _TicketMetaEstimator):
    """Turn inputs into the activations of a ticket's last hidden layer.

    There is a column for each unit, also for one that the ticket has cut off. Of the
    default network, activations are those after the ReLU, in the precision of `X`. Of
    networks of one's own (`net`), they are what enters the last layer that can be pruned,
    flattened, in the network's precision. A network without hidden layers gives
    the inputs themselves.

    %(parameters)s

    See Also
    --------
    TicketSelector : The inputs that the ticket still uses, as they are.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skticket import TicketTransformer, WinningTicketClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((30, 10), rounds=3, random_state=0)
    >>> model = make_pipeline(StandardScaler(), TicketTransformer(clf), KNeighborsClassifier())
    >>> model.fit(X, y).score(X, y) > 0.9
    True
    >>> model[:-1].transform(X).shape
    (150, 10)
    """

    def transform(self, X):
        """Return the activations of the last hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            Activations.
        """
        check_is_fitted(self)
        return _last_hidden(self.estimator_, check_inputs(self.estimator_, X))

    def _take_over(self, estimator):
        self._n_features_out = _last_hidden(estimator, zero_row(estimator)).shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        own_net = _has_own_net(self.estimator)
        tags.transformer_tags.preserves_dtype = ["float32"] if own_net else ["float64", "float32"]
        return tags


@substitute(parameters=_PARAMETERS)
class TicketSelector(SelectorMixin, _TicketMetaEstimator):
    """Keep the input features that a ticket still uses.

    The default network uses a feature if a path of surviving weights leads from it to an
    output: one whose weights all end in units that are cut off can change nothing.
    For a network of one's own (`net`), whose way from layer to layer is not known, a
    surviving weight in the first layer is enough; that layer must take the
    features themselves. No threshold is involved; `sklearn.feature_selection.SelectFromModel`
    takes one on `feature_importances_`.

    %(parameters)s
    support_ : ndarray of bool, shape (`n_features_in_`,)
        Which features are kept.

    See Also
    --------
    TicketTransformer : The ticket's last hidden layer.
    sklearn.feature_selection.SelectFromModel : Features of large importance.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from skticket import TicketSelector, WinningTicketRegressor
    >>> X, y = make_friedman1(300, n_features=10, random_state=0)  # five of them count
    >>> reg = WinningTicketRegressor(
    ...     (30,), prune_rate=0.3, rounds=9, learning_rate=0.01, random_state=0
    ... )
    >>> selector = TicketSelector(reg).fit(X, y)
    >>> selector.get_support()[[0, 1, 3]]
    array([ True,  True,  True])
    >>> selector.transform(X).shape[1] < 10
    True
    """

    def _take_over(self, estimator):
        self.support_ = _used_features(estimator)

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_


def _has_own_net(estimator):
    return getattr(estimator, "net", None) is not None


def _last_hidden(estimator, X):
    """Return the activations of a fitted estimator's last hidden layer for checked inputs."""
    ticket = estimator.ticket_
    if _has_own_net(estimator):
        return _inputs_of(estimator.net_, ticket.layers[-1].weight.rpartition(".")[0], X)
    before = hidden_ticket(ticket)
    return X if before is None else np.maximum(Predictor(before)(X), 0)


def hidden_ticket(ticket):
    """Return a ticket's network without its last layer; None if there is no other.

    Parameters
    ----------
    ticket : Ticket
        Of a default network.

    Returns
    -------
    Ticket or None
        Its outputs, after a ReLU, are the last hidden layer.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.transformers import hidden_ticket
    >>> clf = WinningTicketClassifier((8, 4), rounds=1, max_epochs=1, random_state=0)
    >>> ticket = clf.fit(*load_iris(return_X_y=True)).ticket_
    >>> len(ticket.layers), len(hidden_ticket(ticket).layers)
    (3, 2)
    """
    if len(ticket.mask) == 1:
        return None
    last = ticket.layers[-1]
    return Ticket(
        *(
            {n: a for n, a in arrays.items() if n not in last}
            for arrays in (ticket.weights, ticket.mask)
        )
    )


def _inputs_of(net, layer, X):
    """Return what enters a layer of a net's module when it predicts, a row an example."""
    entered = []

    def keep(module, inputs):
        entered.append(inputs[0].detach().cpu().flatten(1).numpy())

    handle = net.module_.get_submodule(layer).register_forward_pre_hook(keep)
    try:
        net.forward(as_rows(X))
    finally:
        handle.remove()
    rows = np.concatenate(entered)
    if len(rows) != X.shape[0]:
        raise ValueError(
            f"net's module must run its last layer, {layer!r}, once on each row; "
            f"for {X.shape[0]} rows it took {len(rows)}"
        )
    return rows


def _used_features(estimator):
    """Return which features of a fitted estimator its ticket uses."""
    masks = list(estimator.ticket_.mask.values())
    first = masks[0]
    if first.ndim != 2 or first.shape[1] != estimator.n_features_in_:
        raise ValueError(
            "TicketSelector needs a first layer that takes the features themselves; here its "
            f"weights have shape {first.shape}, for {estimator.n_features_in_} features"
        )
    return reaching_units(masks[:1] if _has_own_net(estimator) else masks)[0]
