"""The classifier."""

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .._docstrings import substitute
from ._base import WinningTicketBase
from ._docs import ATTRIBUTES, PARAMETERS, REFERENCES


def _is_binary_cross_entropy(criterion):
    cls = criterion if isinstance(criterion, type) else type(criterion)
    return issubclass(cls, torch.nn.BCEWithLogitsLoss)


@substitute(parameters=PARAMETERS, attributes=ATTRIBUTES, references=REFERENCES)
class WinningTicketClassifier(ClassifierMixin, WinningTicketBase):
    """Classifier that finds a winning ticket: a small subnetwork that learns as well.

    It trains a fully connected ReLU network, prunes the least important weights,
    sets the others back to their initial values, and repeats. The subnetwork that is
    left often reaches the accuracy of the full network in as few iterations or
    fewer.

    %(parameters)s

    %(attributes)s
    classes_ : ndarray of shape (n_classes,)
        Class labels.

    See Also
    --------
    WinningTicketRegressor : The same for numbers.
    skticket.Prune, skticket.Rewind : The steps of a round.

    %(references)s

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skticket import WinningTicketClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((30, 10), rounds=3, random_state=0)
    >>> model = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    >>> clf.ticket_
    Ticket(density=0.5259, n_weights=237)
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = False
        return tags

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y, classes=None):
        """Train the current weights under the current masks for `max_epochs` epochs.

        The first call starts from the full network. A row is added to
        `round_results_`, and the weights at convergence are kept, as in each round
        of `fit`; so `clf.partial_fit(X, y).prune().rewind().partial_fit(X, y)` gives
        what `fit` gives in one round.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All class labels that will ever occur; needed in the first call only,
            and there only if `y` lacks some.

        Returns
        -------
        self : object
            The estimator itself.
        """
        return self._fit_by_hand(X, y, classes=classes)

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return self._outputs(X)

    def predict_log_proba(self, X):
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities, in the order of `classes_`.
        """
        return np.log(self.predict_proba(X))

    def predict(self, X):
        """Return the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        probabilities = self._outputs(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def _validate(self, X, y, *, reset, classes=None):
        X, y = self._validate_inputs(X, y, reset=reset)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if reset:
            self.classes_ = np.unique(y if classes is None else classes)
            if len(self.classes_) < 2:
                raise ValueError(
                    "WinningTicketClassifier needs at least two classes; the data have only "
                    f"one class: {self.classes_[0]!r}"
                )
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has labels {unknown} that are not among classes {self.classes_}")
        return X, y

    def _n_outputs(self):
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _activate(self, outputs):
        if outputs.shape[1] > 1:
            return softmax(outputs, axis=1)
        return np.hstack([expit(-outputs), expit(outputs)])

    def _criterion(self):
        if len(self.classes_) == 2:
            return torch.nn.BCEWithLogitsLoss
        return torch.nn.CrossEntropyLoss

    def _output_shape(self):
        criterion = self._criterion() if self.net is None else self.net.criterion
        return () if _is_binary_cross_entropy(criterion) else (len(self.classes_),)

    def _encode(self, y):
        codes = np.searchsorted(self.classes_, y)
        return codes.astype(np.float32 if self._output_shape() == () else np.int64)

    def _split_limits(self, y, n_valid):
        _, counts = np.unique(y, return_counts=True)
        possible = counts.min() > 1 and min(n_valid, len(y) - n_valid) >= len(counts)
        return 1, y if possible else None
