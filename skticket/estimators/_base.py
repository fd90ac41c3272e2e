"""What classifier and regressor share."""

from abc import ABCMeta, abstractmethod
from copy import copy
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNet

from ..engines import Predictor
from ..initialization import INIT_NAMES
from ..network import (
    OPTIMIZERS,
    as_rows,
    check_device,
    check_outputs,
    check_same_network,
    default_net,
    hidden_of_ticket,
    layer_sizes_of,
    prediction_net,
)
from ..pruning import RATE_CONSTRAINTS, STRATEGY_CONSTRAINTS, Evolving
from ..rewinding import REWIND_CONSTRAINTS
from ..search import Search, open_memory
from ..ticket import Ticket
from ..utils import HasMethods, HasPage, Interval, StrOptions, check_sample_weight, fit_context
from ._inputs import validate_inputs
from ._loop import Loop
from ._rows import hold_out
from ._run import Run, all_or_nothing, run_key
from ._state import PlainState


def _has_two_forms(estimator):
    return getattr(estimator, "_predictor", None) is not None


class WinningTicketBase(
    HasPage, PlainState, CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta
):
    """What classifier and regressor share: the search, by `fit` or by hand."""

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "prune_rate": RATE_CONSTRAINTS,
        "rounds": [Interval(Integral, 0, None, closed="left")],
        "strategy": STRATEGY_CONSTRAINTS,
        "schedule": [StrOptions({"iterative", "one-shot", "evolving"}), Evolving],
        "rewind_to": REWIND_CONSTRAINTS,
        "select": [StrOptions({"last", "best", "winning"})],
        "round_budget": [Interval(Real, 0, 1, closed="right")],
        "ticket": [Ticket, None],
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "init": [StrOptions(INIT_NAMES), callable],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "evaluate_every": [Interval(Integral, 1, None, closed="left"), None],
        "net": [NeuralNet, None],
        "layout": [StrOptions({"auto", "dense", "sparse"})],
        "device": [str],
        "warm_start": ["boolean"],
        "memory": [str, HasMethods("cache"), None],
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
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.prune_rate = prune_rate
        self.rounds = rounds
        self.strategy = strategy
        self.schedule = schedule
        self.rewind_to = rewind_to
        self.select = select
        self.round_budget = round_budget
        self.ticket = ticket
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.n_iter_no_change = n_iter_no_change
        self.init = init
        self.validation_fraction = validation_fraction
        self.evaluate_every = evaluate_every
        self.net = net
        self.layout = layout
        self.device = device
        self.warm_start = warm_start
        self.memory = memory
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Train the full network, then `rounds` times prune, rewind and train.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs; scaled ones train best. More dimensions where `net` takes them. A sparse
            matrix, best in CSR form, is never made dense as a whole.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: class labels, an indicator matrix of several labels (which may be sparse),
            or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            What the losses and scores of the rows, held-out ones included, are
            weighted with. Rows of weight 0 are left out. For the default network only.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, if the prunings asked for would
            leave nothing of a layer, or if training diverges.

        Notes
        -----
        A fit that fails, or is interrupted, leaves the estimator as it was before. With
        `warm_start=True`, the next one goes on from the rounds that it had finished.
        """
        with all_or_nothing(self):
            X, y = self._validate(X, y, reset=True)
            key = run_key(self, X, y, sample_weight) if self.warm_start else None
            self._begin(key)
            search = self._build_search()
            check_outputs(search.net, X, self._output_shape())
            self._set_run(self._run.without_rounds())
            Loop(self, search, self._hold_out(X, y, sample_weight), X, y).run()
        return self

    def _begin(self, key=None):
        """Go on from the run that `key` tells, if there is one; otherwise start anew."""
        for run in (vars(self).pop("_unfinished", None), vars(self).get("_run")):
            if key is not None and run is not None and run.key == key:
                self._set_run(run)
                return
        random_state = self.random_state
        if random_state is None:
            # Not NumPy's global generator, which is to stay as it is.
            random_state = np.random.RandomState()
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        self._round = 0
        self._set_run(Run(seed, key))

    def _set_run(self, run):
        self._run = run
        vars(self).update(run.attributes())

    def _fit_by_hand(self, X, y, sample_weight, **options):
        with all_or_nothing(self):
            first = not hasattr(self, "ticket_")
            X, y = self._validate(X, y, reset=first, **options)
            if first:
                self._begin()
            search = self._build_search(None if first else self.ticket_)
            if first:
                check_outputs(search.net, X, self._output_shape())
                self.ticket_ = search.first_ticket()
            # What is trained by hand is nothing that a fit may go on from.
            self._run = replace(self._run, key=None)
            data = self._hold_out(X, y, sample_weight)
            call = self._run.rounds.count(self._round)
            self._record(self._round, search.train(self.ticket_, data, self._round, call))
            self._choose(search, len(self.tickets_) - 1)
        return self

    def prune(self, rate=None, X=None, y=None, sample_weight=None):
        """Prune the current ticket, as the next round of `fit` would.

        Parameters
        ----------
        rate : float or int, default=None
            Share or number of weights (or units) to prune; by default as
            `prune_rate` and `schedule` say.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Inputs, for the strategies "snip" and "grasp", which score weights by
            the loss on training rows; others need none.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets of `X`.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        self : object
            With a new `ticket_`, of which `rewind` and `partial_fit` make a new round.
        """
        check_is_fitted(self)
        rows = None if X is None else self._validate(X, y, reset=False)
        data = None if rows is None else self._hold_out(*rows, sample_weight)
        search = self._build_search(self.ticket_)
        ticket = search.prune(self.ticket_, self._round + 1, rate, data)
        self._round, self._n_rewinds = self._round + 1, 0
        self._set_ticket(search, ticket)
        return self

    def rewind(self, to=None):
        """Rewind the current ticket's weights.

        Parameters
        ----------
        to : str or int, default=None
            Where to, as `rewind_to` names it; by default as that parameter says.

        Returns
        -------
        self : object
            With a new `ticket_`, not yet trained.
        """
        check_is_fitted(self)
        search = self._build_search(self.ticket_)
        ticket = search.rewind_ticket(self.ticket_, self._round, to, self._n_rewinds)
        self._n_rewinds += 1
        self._set_ticket(search, ticket)
        return self

    @available_if(_has_two_forms)
    def sparsify(self):
        """Predict with the sparse form of the ticket.

        By itself the estimator chooses the form that is faster at the ticket's density.
        Available once fitted, for the default network; others predict in dense form.

        Returns
        -------
        self : object
            The estimator itself.
        """
        return self._predict_by("sparse")

    @available_if(_has_two_forms)
    def densify(self):
        """Predict with the dense form of the ticket.

        Available once fitted, for the default network.

        Returns
        -------
        self : object
            The estimator itself.
        """
        return self._predict_by("dense")

    def _predict_by(self, engine):
        self._predictor = Predictor(self.ticket_, engine)
        return self

    def staged_predict(self, X):
        """Yield what each round's network predicts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Yields
        ------
        ndarray
            Predictions of the network of each ticket in `tickets_`, as `predict` gives.
        """
        check_is_fitted(self)
        for other in self._each_round():
            yield other.predict(X)

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

    @abstractmethod
    def _validate(self, X, y, *, reset):
        """Return checked inputs and targets; with `reset`, learn what later calls must fit."""

    @abstractmethod
    def _n_outputs(self):
        """Return the number of the default network's outputs."""

    @abstractmethod
    def _activate(self, outputs):
        """Return what `predict_proba`, or `predict`, makes of the default network's outputs."""

    @abstractmethod
    def _criterion(self):
        """Return the class of the default network's loss."""

    @abstractmethod
    def _output_shape(self):
        """Return the shape of the outputs for a single row."""

    @abstractmethod
    def _encode(self, y, weight=None):
        """Return checked targets, of rows with these weights, as the loss takes them."""

    @abstractmethod
    def _split_limits(self, y, n_valid):
        """Return how few rows may be held out, and what to stratify them by, or None."""

    def _build_search(self, ticket=None):
        """Return the search that the parameters describe; check that it is of the ticket's kind."""
        layer_sizes = None
        if self.net is None:
            layer_sizes = (self._hidden(), self.n_features_in_, self._n_outputs())
            if ticket is not None:
                check_same_network(ticket, layer_sizes)
        net = self._default_net(*layer_sizes) if self.net is None else clone(self.net)
        check_device(net.device)
        return Search(
            net=net,
            layer_sizes=layer_sizes,
            row_shape=self._row_shape,
            init=self.init,
            max_epochs=net.max_epochs,
            evaluate_every=self.evaluate_every,
            rounds=self.rounds,
            prune_rate=self.prune_rate,
            strategy=self.strategy,
            schedule=self.schedule,
            rewind_to=self.rewind_to,
            round_budget=self.round_budget,
            ticket=self.ticket,
            layout=self.layout,
            seed=self._run.seed,
            memory=open_memory(self.memory),
            n_iter_no_change=self.n_iter_no_change,
            # Any other optimizer has a decay of its own, or none.
            alpha=self._penalty() if self.net is None and isinstance(self.optimizer, str) else 0,
        )

    def _penalty(self):
        return self.alpha

    def _hidden(self):
        """Return the sizes of the default network's hidden layers."""
        if self.ticket is None:
            return layer_sizes_of(self.hidden_layer_sizes)
        return hidden_of_ticket(self.ticket, self.n_features_in_, self._n_outputs())

    def _default_net(self, *layer_sizes):
        return default_net(
            *layer_sizes,
            criterion=self._criterion(),
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            device=self.device,
        )

    def _hold_out(self, X, y, sample_weight):
        """Encode the targets and split off the validation rows."""
        weight = self._row_weights(X, y, sample_weight)
        if weight is not None:
            if self.net is not None:
                raise ValueError(
                    "sample_weight and class_weight need the default network, but net is given; "
                    "weight the losses in its criterion instead"
                )
            # Their ratios count, whatever single precision can hold.
            weight = (weight / (weight.max() or 1.0)).astype(np.float32)
            counts = weight > 0
            if not counts.all():
                X, y, weight = X[counts], y[counts], weight[counts]
        return hold_out(
            X,
            y,
            self._encode(y, weight),
            weight,
            classification=is_classifier(self),
            fraction=self.validation_fraction,
            limits=self._split_limits,
            seed=self._run.seed,
        )

    def _row_weights(self, X, y, sample_weight):
        if sample_weight is None:
            return None
        return check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _replace(self, number, trained, start):
        self._set_run(self._run.instead(number, trained, start))

    def _record(self, number, trained, start=None):
        self._set_run(self._run.after(number, trained, start))
        if self.verbose:
            row = {name: column[-1] for name, column in self.round_results_.items()}
            print(
                f"round {number}: {100 * row['density']:.4g}% of the weights remain, converged "
                f"after {row['iterations_to_converge']} iterations, "
                f"validation score {row['valid_score']:.4f}"
            )

    def _choose(self, search, position):
        """Let the network of one training predict."""
        self.selected_round_ = self._round = self._run.rounds[position]
        self._n_rewinds = 0
        self.is_winning_ = bool(self.round_results_["is_winning"][position])
        self.n_iter_ = int(self._run.trained[position].iterations[-1])
        self._set_ticket(search, self.tickets_[position])

    def _set_ticket(self, search, ticket):
        vars(self).pop("net_", None)
        vars(self).update(self._as_of(search, ticket))

    def _as_of(self, search, ticket):
        """Return what predicting with `ticket` needs."""
        needed = {"ticket_": ticket, "density_": ticket.density}
        if self.net is None:
            return needed | {"_predictor": Predictor(ticket)}
        return needed | {"_predictor": None, "net_": prediction_net(search.net, ticket)}

    def _each_round(self):
        """Yield a copy of the estimator that predicts with each round's network."""
        search = self._build_search(self.ticket_)
        for ticket in self.tickets_:
            other = copy(self)
            other._set_ticket(search, ticket)
            yield other

    def _validate_inputs(self, X, y="no_validation", *, reset, dtype=np.float32, **options):
        checked = validate_inputs(self, X, y, reset=reset, dtype=dtype, **options)
        if reset:
            self._row_shape = checked[0].shape[1:]
        return checked

    def _outputs(self, X):
        """Return probabilities or targets; those of the default network in X's precision."""
        check_is_fitted(self)
        X = self._check_inputs(X)
        if self.net is not None:
            return self.net_.predict_proba(as_rows(X))
        return self._activate(self._predictor(X))

    def _check_inputs(self, X):
        """Return checked inputs, in a precision that predictions are made in."""
        dtype = (np.float64, np.float32) if self.net is None else np.float32
        return self._validate_inputs(X, reset=False, dtype=dtype)
