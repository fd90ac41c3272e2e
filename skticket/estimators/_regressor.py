"""The regressor."""

import numpy as np
import torch
from sklearn.base import RegressorMixin

from ..utils import document, fit_context, substitute
from ._base import WinningTicketBase
from ._docs import ATTRIBUTES, DATA, PARAMETERS, REFERENCES
from ._targets import mean_and_scale


@substitute(parameters=PARAMETERS, attributes=ATTRIBUTES, references=REFERENCES)
class WinningTicketRegressor(RegressorMixin, WinningTicketBase):
    """Regressor that finds a winning ticket: a small subnetwork that learns as well.

    It trains a fully connected ReLU network with a linear output on squared error,
    prunes the least important weights, sets the others back to their initial values,
    and repeats. Scores are R². They do not depend on the scale of the targets, which are
    standardized inside.

    %(parameters)s
    normalize_y : bool, default=True
        Whether the network learns each output minus its mean, divided by its standard
        deviation (both weighted by `sample_weight`; a constant output is not divided).
        Losses, those of `round_results_` included, are then in these units, whatever
        those of `y`; predictions are in those of `y`. False: the network learns `y`
        itself, as a `net` must whose loss takes counts, say.

    %(attributes)s
    y_mean_, y_scale_ : float or ndarray of shape (n_outputs,)
        What the targets are standardized by: predictions are the network's outputs times
        `y_scale_` plus `y_mean_`; 0 and 1 with `normalize_y=False`.

    See Also
    --------
    WinningTicketClassifier : The same for classes.
    skticket.Prune, skticket.Rewind : The steps of a round.

    %(references)s

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from skticket import WinningTicketRegressor
    >>> X, y = make_regression(n_samples=300, n_features=5, random_state=0)
    >>> reg = WinningTicketRegressor((30, 10), rounds=3, random_state=0).fit(X, y)
    >>> reg.score(X, y) > 0.9
    True
    >>> reg.ticket_
    Ticket(density=0.5174, n_weights=238)
    """

    _parameter_constraints = {
        **WinningTicketBase._parameter_constraints,
        "normalize_y": ["boolean"],
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
        normalize_y=True,
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
        self.normalize_y = normalize_y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    @document(DATA)
    def partial_fit(self, X, y, sample_weight=None):
        """Train the current weights under the current masks for `max_epochs` epochs.

        The first call starts from the full network, and learns mean and scale of the
        targets, which later calls keep. A row is added to
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
        outputs = self._outputs(X)
        return outputs.reshape(len(outputs), *self._target_shape) * self.y_scale_ + self.y_mean_

    def _validate(self, X, y, *, reset):
        X, y = self._validate_inputs(X, y, reset=reset, multi_output=True, y_numeric=True)
        if reset:
            self._target_shape = y.shape[1:]
            # Learned of the first rows that are trained on, when their weights are known.
            for name in ("y_mean_", "y_scale_"):
                vars(self).pop(name, None)
        elif y.shape[1:] != self._target_shape:
            raise ValueError(
                f"y has {y.shape[1:]} outputs, but the first call had {self._target_shape}"
            )
        return X, y.astype(np.float64)

    def _n_outputs(self):
        return int(np.prod(self._target_shape))

    def _activate(self, outputs):
        return outputs

    def _criterion(self):
        return torch.nn.MSELoss

    def _output_shape(self):
        # The default network's single output is a vector; modules in general have columns.
        return () if self.net is None and self._n_outputs() == 1 else (self._n_outputs(),)

    def _encode(self, y, weight=None):
        if not hasattr(self, "y_mean_"):
            # Python's floats leave predictions in the outputs' own precision.
            self.y_mean_, self.y_scale_ = 0.0, 1.0
            if self.normalize_y:
                self.y_mean_, self.y_scale_ = mean_and_scale(y, weight)
        standardized = ((y - self.y_mean_) / self.y_scale_).astype(np.float32)
        return standardized.reshape(len(y), *self._output_shape())

    def _split_limits(self, y, n_valid):
        return 2, None
