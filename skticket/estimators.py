"""scikit-learn estimators that find winning tickets, and predict with them."""

from abc import ABCMeta
from copy import copy
from functools import partial
from numbers import Integral, Real

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    _fit_context,
    clone,
    is_classifier,
)
from sklearn.callback import CallbackSupportMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
from skorch import NeuralNet

from ._docstrings import substitute
from ._parameter_step import parameter_and_step
from .initialization import INIT_NAMES
from .network import MLP, forward, read_arrays
from .pruning import RATE_CONSTRAINTS, STRATEGY_CONSTRAINTS
from .rewinding import REWIND_CONSTRAINTS
from .search import Search, Stream, derive_seed, select_round, tabulate
from .ticket import Ticket
from .training import Data, TicketNet, check_outputs, prediction_net

__all__ = ["WinningTicketClassifier", "WinningTicketRegressor"]

_OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}

_PARAMETERS = """
    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(300, 100)
        Number of ReLU units of each hidden layer.
    prune_rate : float or int, default=0.2
        Share of the surviving weights (or units) that each round prunes, in
        [0, 1); or, as an integer, their number in each layer. The output layer is
        pruned at half the rate unless the strategy says otherwise.
    rounds : int, default=7
        How many times to prune, rewind and train; 0 trains the full network only.
    strategy : str, strategy or callable, default="magnitude"
        How surviving weights are scored: "magnitude", "random",
        "initial_magnitude", "magnitude_increase" or "movement"; for whole hidden
        units "unit_input", "unit_output" or "unit_product"; an instance such as
        `Magnitude(scope="global")`, whose parameters a grid search reaches as
        `strategy__scope`; or a callable that takes a `Ticket` and returns an array
        of scores for each prunable weight (see `ScoreFunction`).
    schedule : {"iterative", "one-shot"}, default="iterative"
        Prune round by round; or once, to the very counts that so many rounds
        would reach.
    rewind : {"init", "none", "reinit", "rearrange"} or int, default="init"
        What the survivors are set to before each next training: their initial
        weights; an integer k, their weights after k optimizer steps of round 0;
        nothing, to go on from the trained weights; or one of two controls, fresh
        random weights or the survivors moved to random places in their layer.
    select : {"last", "best", "winning"}, default="last"
        Which round's network predicts: the last; the one with the best validation
        score; or the sparsest round that is a winning ticket (one that reaches
        the full network's validation score, within 0.001, in at most as many
        iterations as the full network took to converge), else round 0.
    optimizer : {"adam", "sgd"} or callable, default="adam"
        Adam, plain stochastic gradient descent, or a torch optimizer's class (or
        `functools.partial` of it, with momentum or weight decay). Its state starts
        afresh each round.
    learning_rate : float, default=1.2e-3
        Step size.
    batch_size : int, default=60
        Rows of a mini-batch.
    max_epochs : int, default=30
        Passes over the training rows in each round.
    init : str or callable, default="glorot_normal"
        Distribution of the initial weights: "glorot_normal", "glorot_uniform",
        "he_normal", "he_uniform", "normal" (standard deviation 0.1),
        "truncated_normal" (the same, cut off at two standard deviations), an instance
        such as `Normal(std=0.05)`, or a callable that takes a shape and a
        RandomState. Biases start at 0.
    validation_fraction : float, default=0.1
        Share of the rows held out, in [0, 1), to tell when training has converged
        (for a classifier, in proportion to its classes where possible). With 0, or
        where too few rows remain, the training rows serve for that too.
    evaluate_every : int or None, default=None
        Optimizer steps between evaluations on the held-out rows, the grid on
        which iterations to converge and to match are measured; None for once an
        epoch. skorch's callbacks and histories count evaluations as epochs.
    net : skorch.NeuralNet or None, default=None
        Prototype of the net to train, with any module that has Linear or Conv
        layers, reached as `net__lr`, `net__module__...`. Then the net's own module
        (and its initialization), optimizer, `lr`, `batch_size`, `max_epochs` and
        `device` count, not the parameters of these or like names here. Batches
        are shuffled, and cut from one tensor, unless it has an `iterator_train` of
        its own.
    layout : {"auto", "dense"}, default="auto"
        How weights are stored in training; at present always dense, with masks.
    device : str, default="cpu"
        The torch device to train on.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, validation split, order of batches, and what
        strategies and controls draw, each by a stream of its own. torch's and
        NumPy's global generators are never touched.
    verbose : int, default=0
        1 prints a line a round.
"""

_ATTRIBUTES = """
    Attributes
    ----------
    ticket_ : Ticket
        The ticket that predicts: initial weights, masks, trained weights.
    tickets_ : list of Ticket
        Each round's trained ticket. Its weights are those at convergence, the
        evaluation with the lowest validation loss.
    round_results_ : dict of str to ndarray
        A row a round, ready for `pandas.DataFrame`: `round`, `density`,
        `n_weights`, `iterations_to_converge`, `iterations_to_match` (NaN if never),
        `valid_score`, `valid_loss`, `is_winning`, `fit_time` (seconds).
    histories_ : list of skorch.history.History
        Each round's history, a row an evaluation.
    selected_round_ : int
        The round of `ticket_`.
    density_ : float
        Surviving weights of `ticket_` divided by all prunable weights.
    net_ : skorch.NeuralNet
        The net that predicts, holding the weights of `ticket_`.
    n_iter_ : int
        Optimizer steps that the selected round's training ran.
    n_features_in_ : int
        Number of input features.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the input features, where `X` has names.
    feature_importances_ : ndarray of float, shape (n_features_in_,)
        Each feature's share of the surviving absolute weights of the first layer.
"""

_REFERENCES = """
    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018.
"""


class _WinningTicket(CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """What classifier and regressor share: the search, by `fit` or by hand."""

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "prune_rate": RATE_CONSTRAINTS,
        "rounds": [Interval(Integral, 0, None, closed="left")],
        "strategy": STRATEGY_CONSTRAINTS,
        "schedule": [StrOptions({"iterative", "one-shot"})],
        "rewind": REWIND_CONSTRAINTS,
        "select": [StrOptions({"last", "best", "winning"})],
        "optimizer": [StrOptions(set(_OPTIMIZERS)), callable],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(INIT_NAMES), callable],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "evaluate_every": [Interval(Integral, 1, None, closed="left"), None],
        "net": [NeuralNet, None],
        "layout": [StrOptions({"auto", "dense"})],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(300, 100),
        *,
        prune_rate=0.2,
        rounds=7,
        strategy="magnitude",
        schedule="iterative",
        rewind="init",
        select="last",
        optimizer="adam",
        learning_rate=1.2e-3,
        batch_size=60,
        max_epochs=30,
        init="glorot_normal",
        validation_fraction=0.1,
        evaluate_every=None,
        net=None,
        layout="auto",
        device="cpu",
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.prune_rate = prune_rate
        self.rounds = rounds
        self.strategy = strategy
        self.schedule = schedule
        self.rewind = rewind
        self.select = select
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.init = init
        self.validation_fraction = validation_fraction
        self.evaluate_every = evaluate_every
        self.net = net
        self.layout = layout
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def get_params(self, deep=True):
        """Get parameters for this estimator.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return those of the strategy, `init` and `net`, too.

        Returns
        -------
        dict
            Parameter names mapped to their values.
        """
        return super().get_params(deep) | {"rewind": vars(self)["rewind"]}

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Train the full network, then `rounds` times prune, rewind and train.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs; scaled ones train best. More dimensions where `net` takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: class labels, or numbers (several columns for the regressor only).

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, if the prunings asked for would
            leave nothing of a layer, or if training diverges.
        """
        X, y = self._validate(X, y, reset=True)
        search, ticket = self._start(X)
        data = self._hold_out(X, y)
        root = self._init_callback_context(max_subtasks=search.n_rounds + 1)
        root.call_on_fit_task_begin(estimator=self, X=X, y=y)
        for number in range(search.n_rounds + 1):
            if number > 0:
                ticket = search.rewind_ticket(search.prune(ticket, number), number)
            context = root.subcontext("round", max_subtasks=search.n_evaluations(len(data.X)))
            context.call_on_fit_task_begin(estimator=self, X=X, y=y)
            trained = search.train(
                ticket, data, number, on_evaluation=partial(self._report, context, ticket)
            )
            ticket = trained.ticket
            self._record(number, trained)
            if context.call_on_fit_task_end(
                estimator=self, X=X, y=y, reconstruction_attributes=partial(self._as_of, ticket)
            ):
                break
        self._choose(select_round(self.round_results_, self.select))
        root.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=dict)
        return self

    def _fit_by_hand(self, X, y, **options):
        first = not hasattr(self, "ticket_")
        X, y = self._validate(X, y, reset=first, **options)
        if first:
            _, self.ticket_ = self._start(X)
        round_trainings = self._rounds.count(self._round)
        trained = self._search().train(
            self.ticket_, self._hold_out(X, y), self._round, round_trainings
        )
        self._record(self._round, trained)
        self._choose(len(self.tickets_) - 1)
        return self

    def prune(self, rate=None):
        """Prune the current ticket, as the next round of `fit` would.

        Parameters
        ----------
        rate : float or int, default=None
            Share or number of weights (or units) to prune; by default as
            `prune_rate` and `schedule` say.

        Returns
        -------
        self : object
            With a new `ticket_`, of which `rewind` and `partial_fit` make a new round.
        """
        check_is_fitted(self)
        ticket = self._search().prune(self.ticket_, self._round + 1, rate)
        self._round += 1
        self._set_ticket(ticket)
        return self

    @parameter_and_step
    def rewind(self, to=None):
        """Rewind the current ticket's weights.

        Parameters
        ----------
        to : {"init", "none", "reinit", "rearrange"} or int, default=None
            Where to; by default as the parameter `rewind` says.

        Returns
        -------
        self : object
            With a new `ticket_`, not yet trained.
        """
        check_is_fitted(self)
        self._set_ticket(self._search().rewind_ticket(self.ticket_, self._round, to))
        return self

    def staged_predict(self, X):
        """Yield what each round's network predicts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.

        Yields
        ------
        ndarray
            Predictions of the network of each ticket in `tickets_`, as `predict` gives.
        """
        check_is_fitted(self)
        for ticket in self.tickets_:
            yield self._with(ticket).predict(X)

    @property
    def feature_importances_(self):
        """Each feature's share of the surviving absolute weights of the first layer."""
        check_is_fitted(self)
        first = self.ticket_.weights[next(iter(self.ticket_.mask))]
        if first.ndim != 2 or first.shape[1] != self.n_features_in_:
            raise AttributeError(
                "feature_importances_ needs a first layer that takes the features themselves; "
                f"here its weights have shape {first.shape}"
            )
        importances = np.abs(first.astype(np.float64)).sum(axis=0)
        return importances / max(importances.sum(), np.finfo(np.float64).tiny)

    def _start(self, X):
        """Forget earlier rounds; return the search and its first ticket."""
        self._seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        self._round = 0
        self._rounds, self._trained = [], []
        self.tickets_, self.histories_ = [], []
        search = self._search()
        check_outputs(search.net, X, self._output_shape())
        return search, search.first_ticket()

    def _search(self):
        layer_sizes = None
        if self.net is None:
            hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)).tolist()
            if any(not isinstance(size, Integral) or size < 1 for size in hidden):
                raise ValueError(
                    "hidden_layer_sizes must be integers of at least 1, "
                    f"got {self.hidden_layer_sizes!r}"
                )
            layer_sizes = (tuple(hidden), self.n_features_in_, self._n_outputs())
        net = self._default_net(*layer_sizes) if self.net is None else clone(self.net)
        return Search(
            net=net,
            layer_sizes=layer_sizes,
            init=self.init,
            max_epochs=net.max_epochs,
            evaluate_every=self.evaluate_every,
            rounds=self.rounds,
            prune_rate=self.prune_rate,
            strategy=self.strategy,
            schedule=self.schedule,
            rewind=vars(self)["rewind"],
            seed=self._seed,
        )

    def _default_net(self, hidden_layer_sizes, n_inputs, n_outputs):
        optimizer = self.optimizer
        options = {}
        if isinstance(optimizer, str):
            # A fused step is up to five times faster than torch's default on a CPU.
            optimizer, options = _OPTIMIZERS[optimizer], {"optimizer__fused": True}
        return TicketNet(
            MLP,
            module__n_inputs=n_inputs,
            module__hidden_layer_sizes=hidden_layer_sizes,
            module__n_outputs=n_outputs,
            criterion=self._criterion(),
            optimizer=optimizer,
            lr=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            device=self.device,
            verbose=0,
            **options,
        )

    def _hold_out(self, X, y):
        """Encode the targets and split off the validation rows."""
        targets = self._encode(y)
        rows, valid_rows = self._split(y)
        return Data(X[rows], targets[rows], X[valid_rows], targets[valid_rows], is_classifier(self))

    def _split(self, y):
        """Positions of the rows to train on, and of those to evaluate on."""
        everything = np.arange(len(y))
        n_valid = round(self.validation_fraction * len(y))
        smallest, stratify = self._split_limits(y, n_valid)
        if n_valid < smallest or len(y) - n_valid < smallest:
            return everything, everything
        rows, valid_rows = train_test_split(
            everything,
            test_size=n_valid,
            stratify=stratify,
            random_state=derive_seed(self._seed, Stream.SPLIT),
        )
        return rows, valid_rows

    def _record(self, number, trained):
        self._rounds.append(number)
        self._trained.append(trained)
        self.tickets_.append(trained.ticket)
        self.histories_.append(trained.history)
        self.round_results_ = tabulate(self._rounds, self._trained)
        if self.verbose:
            row = {name: column[-1] for name, column in self.round_results_.items()}
            print(
                f"round {number}: {100 * row['density']:.4g}% of the weights remain, converged "
                f"after {row['iterations_to_converge']} iterations, "
                f"validation score {row['valid_score']:.4f}"
            )

    def _choose(self, position):
        """Let the network of one training predict."""
        self.selected_round_ = self._round = self._rounds[position]
        self.n_iter_ = int(self._trained[position].iterations[-1])
        self._set_ticket(self.tickets_[position])

    def _set_ticket(self, ticket):
        vars(self).update(self._as_of(ticket))

    def _as_of(self, ticket):
        """Return what predicting with `ticket` needs."""
        net = prediction_net(self._search().net, ticket)
        return {"ticket_": ticket, "density_": ticket.density, "net_": net}

    def _with(self, ticket):
        """Return a copy of the estimator that predicts with another ticket."""
        other = copy(self)
        other._set_ticket(ticket)
        return other

    def _report(self, context, ticket, net):
        """Tell scikit-learn's callbacks of an evaluation; return whether to stop."""
        epoch = context.subcontext("epoch").call_on_fit_task_begin(estimator=self)
        current = lambda: self._as_of(  # noqa: E731 (evaluated only when a callback asks)
            Ticket(ticket.initial, ticket.mask, read_arrays(net.module_))
        )
        return epoch.call_on_fit_task_end(estimator=self, reconstruction_attributes=current)

    def _validate_inputs(self, X, y="no_validation", *, reset, dtype=np.float32, **options):
        allow_nd = self.net is not None
        return validate_data(self, X, y, reset=reset, dtype=dtype, allow_nd=allow_nd, **options)

    def _outputs(self, X):
        """Return probabilities or targets; those of the default network in X's precision."""
        check_is_fitted(self)
        if self.net is not None:
            return self.net_.predict_proba(self._validate_inputs(X, reset=False))
        X = self._validate_inputs(X, reset=False, dtype=(np.float64, np.float32))
        return self._activate(forward(self.ticket_, X))


def _is_binary_cross_entropy(criterion):
    cls = criterion if isinstance(criterion, type) else type(criterion)
    return issubclass(cls, torch.nn.BCEWithLogitsLoss)


@substitute(parameters=_PARAMETERS, attributes=_ATTRIBUTES, references=_REFERENCES)
class WinningTicketClassifier(ClassifierMixin, _WinningTicket):
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


@substitute(parameters=_PARAMETERS, attributes=_ATTRIBUTES, references=_REFERENCES)
class WinningTicketRegressor(RegressorMixin, _WinningTicket):
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
    Ticket(density=0.5145, n_weights=242)
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y):
        """Train the current weights under the current masks for `max_epochs` epochs.

        The first call starts from the full network. A row is added to
        `round_results_`, and the weights at convergence are kept, as in each round
        of `fit`; so `reg.partial_fit(X, y).prune().rewind().partial_fit(X, y)` gives
        what `fit` gives in one round.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        self : object
            The estimator itself.
        """
        return self._fit_by_hand(X, y)

    def predict(self, X):
        """Return predicted targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.

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
