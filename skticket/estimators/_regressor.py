"""The regressor."""

import numpy as np
import torch
from sklearn.base import RegressorMixin

from ..utils import document, fit_context, substitute
from ._base import WinningTicketBase
from ._docs import ATTRIBUTES, DATA, PARAMETERS, REFERENCES


@substitute(parameters=PARAMETERS, attributes=ATTRIBUTES, references=REFERENCES)
class WinningTicketRegressor(RegressorMixin, WinningTicketBase):
    """Regressor that finds a winning ticket: a small subnetwork that learns as well.

    It trains a fully connected ReLU network with a linear output on squared error,
    prunes the least important weights, sets the others back to their initial values,
    and repeats. Scores are R². Targets train best when scaled (see
    `sklearn.compose.TransformedTargetRegressor`).

    %(parameters)s

    %(attributes)s

    See Also
    --------
    WinningTicketClassifier : The same for classes.
    skticket.Prune, skticket.Rewind : The steps of a round.

    %(references)s

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.preprocessing import scale
    >>> from skticket import WinningTicketRegressor
    >>> X, y = make_regression(n_samples=300, n_features=5, random_state=0)
    >>> reg = WinningTicketRegressor((30, 10), rounds=3, random_state=0).fit(X, scale(y))
    >>> reg.score(X, scale(y)) > 0.9
    True
    >>> reg.ticket_
    Ticket(density=0.5174, n_weights=238)
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    @document(DATA)
    def partial_fit(self, X, y, sample_weight=None):
        """Train the current weights under the current masks for `max_epochs` epochs.

        The first call starts from the full network. A row is added to
        `round_results_`, as by each round of `fit`; so
        `reg.partial_fit(X, y).prune().rewind().partial_fit(X, y)` gives what `fit`
        gives in one round.

        %(parameters)s

        Returns
        -------
        self : object
            The estimator itself.
        """
        return self._fit_by_hand(X, y, sample_weight)

    @document(DATA)
    def predict(self, X):
        """Return predicted targets.

        %(parameters)s

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions.
        """
        predicted = self._outputs(X)
        return predicted.reshape(len(predicted), *self._target_shape)

    def _validate(self, X, y, *, reset):
        X, y = self._validate_inputs(X, y, reset=reset, multi_output=True, y_numeric=True)
        if reset:
            self._target_shape = y.shape[1:]
        elif y.shape[1:] != self._target_shape:
            raise ValueError(
                f"y has {y.shape[1:]} outputs, but the first call had {self._target_shape}"
            )
        return X, y.astype(np.float32)

    def _n_outputs(self):
        return int(np.prod(self._target_shape))

    def _activate(self, outputs):
        return outputs

    def _criterion(self):
        return torch.nn.MSELoss

    def _output_shape(self):
        # The default network's single output is a vector; modules in general have columns.
        return () if self.net is None and self._n_outputs() == 1 else (self._n_outputs(),)

    def _encode(self, y):
        return y.reshape(len(y), *self._output_shape())

    def _split_limits(self, y, n_valid):
        return 2, None
