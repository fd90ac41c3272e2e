"""The classifier."""

import numpy as np
import torch
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight

from ..network import as_rows, presence
from ..utils import StrOptions, document, fit_context, substitute
from ._base import WinningTicketBase
from ._docs import ATTRIBUTES, DATA, PARAMETERS, REFERENCES
from ._labels import check_labels, classes_of

_LABELS = """
y : array-like of shape (n_samples,) or (n_samples, n_labels)
    Class labels; or an indicator matrix of several labels.
classes : array-like of shape (n_classes,), default=None
    All class labels that will ever occur; needed in the first call only, and there only
    if `y` lacks some. Later calls may repeat them.
"""

# Held-out rows of a class.
_MANY = 2000


def _is_binary_cross_entropy(criterion):
    cls = criterion if isinstance(criterion, type) else type(criterion)
    return issubclass(cls, torch.nn.BCEWithLogitsLoss)


@substitute(parameters=PARAMETERS, attributes=ATTRIBUTES, references=REFERENCES)
class WinningTicketClassifier(ClassifierMixin, WinningTicketBase):
    """Classifier that finds a winning ticket: a small subnetwork that learns as well.

    It trains a fully connected ReLU network, prunes the least important weights,
    sets the others back to their initial values, and repeats. The subnetwork that is
    left often reaches the accuracy of the full network in as few iterations or
    fewer. Rows may have several labels at once: an indicator matrix of zeros and ones for
    `y` gives each label a logistic output of its own, as in `MLPClassifier`.

    %(parameters)s
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, as in scikit-learn: "balanced" weights them
        inversely to their frequency in `y`. Of several labels, a row's weight is the product
        over its labels, and dicts come in a list, one a label. They multiply sample weights.

    %(attributes)s
    classes_ : ndarray of shape (n_classes,)
        Class labels; of an indicator matrix, the numbers of its columns.

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
    Ticket(density=0.5289, n_weights=238)
    """

    _parameter_constraints = {
        **WinningTicketBase._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(300, 100),
        *,
        prune_rate=0.2,
        rounds=7,
        strategy="magnitude",
        schedule="iterative",
        rewind_to="init",
        select="last",
        round_budget=1.0,
        ticket=None,
        optimizer="adam",
        learning_rate=3e-3,
        alpha=3.0,
        batch_size="auto",
        max_epochs=30,
        n_iter_no_change=5,
        init="glorot_normal",
        validation_fraction=0.1,
        evaluate_every=None,
        net=None,
        layout="auto",
        device="cpu",
        warm_start=False,
        memory=None,
        random_state=None,
        verbose=0,
        class_weight=None,
    ):
        super().__init__(
            hidden_layer_sizes,
            prune_rate=prune_rate,
            rounds=rounds,
            strategy=strategy,
            schedule=schedule,
            rewind_to=rewind_to,
            select=select,
            round_budget=round_budget,
            ticket=ticket,
            optimizer=optimizer,
            learning_rate=learning_rate,
            alpha=alpha,
            batch_size=batch_size,
            max_epochs=max_epochs,
            n_iter_no_change=n_iter_no_change,
            init=init,
            validation_fraction=validation_fraction,
            evaluate_every=evaluate_every,
            net=net,
            layout=layout,
            device=device,
            warm_start=warm_start,
            memory=memory,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    @document(DATA, _LABELS)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train the current weights under the current masks for `max_epochs` epochs.

        The first call starts from the full network. A row is added to
        `round_results_`, as by each round of `fit`; so
        `clf.partial_fit(X, y).prune().rewind().partial_fit(X, y)` gives what `fit`
        gives in one round.

        %(parameters)s

        Returns
        -------
        self : object
            The estimator itself.
        """
        return self._fit_by_hand(X, y, sample_weight, classes=classes)

    @document(DATA)
    def predict_proba(self, X):
        """Return the probability of each class, or of each label.

        %(parameters)s

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`. Those of classes sum to one; each label
            has one of its own.
        """
        return self._outputs(X)

    @document(DATA)
    def predict_log_proba(self, X):
        """Return the logarithm of the probability of each class, or of each label.

        %(parameters)s

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities, in the order of `classes_`.
        """
        probabilities = self.predict_proba(X)
        X = self._check_inputs(X)
        with np.errstate(divide="ignore"):
            logs = np.log(probabilities)
        if self.net is None:
            small = self._log_activate(self._predictor(X))
        elif isinstance(
            self.net_.criterion_, torch.nn.CrossEntropyLoss | torch.nn.BCEWithLogitsLoss
        ):
            outputs = self.net_.forward(as_rows(X), device="cpu")
            outputs = outputs[0] if isinstance(outputs, tuple) else outputs
            small = self._log_activate(outputs.detach().numpy().reshape(X.shape[0], -1))
        else:
            small = np.maximum(logs, np.log(np.finfo(logs.dtype).tiny))
        # Where a probability is near 1 both are alike to rounding, and that of 1 itself is 0.
        return np.where(probabilities < 0.5, small, logs)

    @document(DATA)
    def predict(self, X):
        """Return the most probable class, or the labels that are more probable than not.

        %(parameters)s

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or an indicator matrix.
        """
        probabilities = self._outputs(X)
        if self._has_labels:
            return (probabilities > 0.5).astype(int)
        return self.classes_[probabilities.argmax(axis=1)]

    @property
    def _has_labels(self):
        """Whether a row may have several labels: the targets are an indicator matrix."""
        return self._target_shape != ()

    def _validate(self, X, y, *, reset, classes=None):
        X, y = self._validate_inputs(X, y, reset=reset, multi_output=True)
        y = check_labels(y)
        if reset:
            self._target_shape, self.classes_ = y.shape[1:], classes_of(y, classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_}, or None; got "
                f"{classes!r}"
            )
        elif y.shape[1:] != self._target_shape:
            first = f"{len(self.classes_)} labels a row" if self._has_labels else "class labels"
            raise ValueError(f"y must have {first}, as in the first call; got shape {y.shape}")
        unknown = [] if self._has_labels else np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has labels {unknown} that are not among classes {self.classes_}")
        return X, y

    def _outputs(self, X):
        probabilities = super()._outputs(X)
        return presence(probabilities) if self._has_labels else probabilities

    def _n_outputs(self):
        return 1 if self._is_binary else len(self.classes_)

    @property
    def _is_binary(self):
        return len(self.classes_) == 2 and not self._has_labels

    def _activate(self, outputs):
        if self._has_labels:
            return expit(outputs)
        if outputs.shape[1] > 1:
            return softmax(outputs, axis=1)
        return np.hstack([expit(-outputs), expit(outputs)])

    def _log_activate(self, outputs):
        if self._has_labels:
            return log_expit(outputs)
        if outputs.shape[1] > 1:
            return log_softmax(outputs, axis=1)
        return np.hstack([log_expit(-outputs), log_expit(outputs)])

    def _criterion(self):
        if self._is_binary or self._has_labels:
            return torch.nn.BCEWithLogitsLoss
        return torch.nn.CrossEntropyLoss

    def _penalty(self):
        # scikit-learn's loss of a row is the sum over its labels, torch's the mean.
        return self.alpha / self._target_shape[0] if self._has_labels else self.alpha

    def _output_shape(self):
        if self._has_labels:
            return self._target_shape
        criterion = self._criterion() if self.net is None else self.net.criterion
        return () if _is_binary_cross_entropy(criterion) else (len(self.classes_),)

    def _encode(self, y, weight=None):
        if self._has_labels:
            return y.astype(np.float32)
        codes = np.searchsorted(self.classes_, y)
        return codes.astype(np.float32 if self._output_shape() == () else np.int64)

    def _row_weights(self, X, y, sample_weight):
        weight = super()._row_weights(X, y, sample_weight)
        if self.class_weight is None:
            return weight
        by_class = compute_sample_weight(self.class_weight, y)
        weight = by_class if weight is None else weight * by_class
        if not (np.isfinite(weight).all() and weight.min() >= 0 and weight.max() > 0):
            raise ValueError(
                "class_weight must be finite and at least 0 for each class, and not 0 for all rows "
                f"that count; got {self.class_weight!r}"
            )
        return weight

    def _split_limits(self, y, n_valid):
        if self._has_labels:
            return 1, None
        _, counts = np.unique(y, return_counts=True)
        possible = counts.min() > 1 and min(n_valid, len(y) - n_valid) >= len(counts)
        # Of very many rows, chance keeps the shares, and a split by classes takes long.
        is_needed = counts.min() * n_valid < _MANY * len(y)
        return 1, y if possible and is_needed else None
