"""Which weights go: strategies, and the transformer `Prune` that applies them."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions

from ._docstrings import substitute
from .ticket import Ticket

__all__ = [
    "GraSP",
    "InitialMagnitude",
    "Magnitude",
    "MagnitudeIncrease",
    "Movement",
    "Prune",
    "Random",
    "ScoreFunction",
    "Snip",
    "SynFlow",
    "UnitInput",
    "UnitOutput",
    "UnitProduct",
]

RATE_CONSTRAINTS = [
    Interval(Integral, 0, None, closed="left"),
    Interval(RealNotInt, 0, 1, closed="left"),
]


def count_pruned(rate, surviving, repeat=1):
    """Return how many of `surviving` elements `repeat` prunings at `rate` remove.

    Parameters
    ----------
    rate : float or int
        Share of the surviving elements, in [0, 1), or their number.
    surviving : int
        Number of elements that survive so far.
    repeat : int, default=1
        How many prunings follow on one another.

    Returns
    -------
    int
        At most `surviving - 1`: a share never takes the last element.

    Raises
    ------
    ValueError
        If `rate` is an integer and would take the last element.

    Examples
    --------
    >>> from skticket.pruning import count_pruned
    >>> count_pruned(0.2, 10), count_pruned(0.2, 10, repeat=2), count_pruned(0.9, 1)
    (2, 4, 0)
    """
    remaining = surviving
    for _ in range(repeat):
        if not isinstance(rate, Integral):
            remaining -= min(round(rate * remaining), max(remaining - 1, 0))
        elif 0 < remaining <= rate:
            raise ValueError(
                f"prune rate {rate} would remove all {remaining} surviving weights or units "
                "of a layer; an integer rate must be smaller than what survives there"
            )
        else:
            remaining -= min(rate, remaining)
    return surviving - remaining


def _lowest(values, n):
    """Boolean array of the `n` lowest values (of all, if there are fewer), ties by position."""
    n = min(n, len(values))
    if n == 0:
        return np.zeros(len(values), bool)
    # Cheaper than a stable sort, which would give the same.
    last = np.partition(values, n - 1)[n - 1]
    lowest = values < last
    ties = np.flatnonzero(values == last)
    lowest[ties[: n - np.count_nonzero(lowest)]] = True
    return lowest


def _lowest_together(scores, alive, n):
    """Rank the layers of `scores` together, but leave each its best element."""
    places, values = [], []
    for name, array in scores.items():
        candidates = np.flatnonzero(alive[name])
        found = array.ravel()[candidates]
        if len(found):
            best = len(found) - 1 - found[::-1].argmax()  # of equals, the last
            candidates, found = np.delete(candidates, best), np.delete(found, best)
        places.append(candidates)
        values.append(found)
    lowest = np.split(_lowest(np.concatenate(values), n), np.cumsum([*map(len, values)])[:-1])
    removed = {name: np.zeros(array.shape, bool) for name, array in scores.items()}
    for array, candidates, chosen in zip(removed.values(), places, lowest, strict=True):
        array.flat[candidates[chosen]] = True
    return removed


def _count_alive(alive, names):
    return sum(int(np.count_nonzero(alive[name])) for name in names)


def _count_together(alive, names, rate, repeat):
    """How many elements go of layers that are ranked together."""
    n_alive = _count_alive(alive, names)
    if len(names) == 1 or not isinstance(rate, Integral):
        return count_pruned(rate, n_alive, repeat)
    n, n_layers = rate * len(names) * repeat, sum(bool(alive[name].any()) for name in names)
    if n > n_alive - n_layers:
        raise ValueError(
            f"prune rate {rate} would remove {n} weights or units of {len(names)} layers, ranked "
            f"together; {n_alive} survive there, of which each layer keeps at least one"
        )
    return n


class _Strategy(BaseEstimator):
    """How the surviving elements of a ticket are scored and compared.

    Subclasses give `_alive(ticket)` (boolean arrays of the elements that
    survive, by layer), `_scores(ticket, random_state)` (arrays of the same
    shapes; the lowest are pruned first), `_groups(names, rate)` (which layers are
    pruned at which rate) and `_masks_without(ticket, removed)`.
    """

    # Whether `masks` and `_scores` take `gradients`, which know the network's function.
    needs_gradients = False

    def masks(self, ticket, rate, *, repeat=1, random_state=None, **needed):
        """Return the masks of `ticket` after pruning, by parameter name."""
        self._validate_params()
        counts = self._counts(self._alive(ticket), rate, repeat)
        return self._masks_after(ticket, counts, check_random_state(random_state), **needed)

    def check(self, ticket, rate, *, repeat=1):
        """Raise what `masks` would raise whatever the scores, before any training."""
        self._validate_params()
        self._counts(self._alive(ticket), rate, repeat)

    def _counts(self, alive, rate, repeat):
        """Pairs of the layers ranked together, and how many of their elements go."""
        counts = []
        for names, group_rate in self._groups(list(alive), rate):
            for together in [names] if self.scope == "global" else [[name] for name in names]:
                counts.append((together, _count_together(alive, together, group_rate, repeat)))
        return counts

    def _masks_after(self, ticket, counts, random_state, **needed):
        alive = self._alive(ticket)
        scores = self._scores(ticket, random_state, **needed)
        _check_scores(scores, alive)
        removed = {}
        for names, n in counts:
            group = {name: np.asarray(scores[name]) for name in names}
            removed |= _lowest_together(group, alive, n)
        return self._masks_without(ticket, removed)


def _check_scores(scores, alive):
    for name, array in alive.items():
        if name not in scores:
            raise ValueError(f"the strategy gave no scores for {name!r}, only for {list(scores)}")
        score = np.asarray(scores[name])
        if score.shape != array.shape:
            raise ValueError(
                f"the strategy's scores for {name!r} must have shape {array.shape}, "
                f"got {score.shape}"
            )
        if (np.isnan(score) & array).any():
            raise ValueError(
                f"the strategy's scores for {name!r} contain NaN; if training diverged, "
                "a smaller learning rate helps"
            )


class _WeightStrategy(_Strategy):
    _parameter_constraints = {
        "scope": [StrOptions({"layer", "global"})],
        "output_rate": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, scope="layer", output_rate=0.5):
        self.scope = scope
        self.output_rate = output_rate

    def _alive(self, ticket):
        return ticket.mask

    def _groups(self, names, rate):
        if self.output_rate == 1 or len(names) == 1:
            return [(names, rate)]
        output_rate = rate * self.output_rate
        if isinstance(rate, Integral):
            output_rate = round(output_rate)
        return [(names[:-1], rate), (names[-1:], output_rate)]

    def _masks_without(self, ticket, removed):
        return {name: mask & ~removed[name] for name, mask in ticket.mask.items()}


_WEIGHT_PARAMETERS = """
    Parameters
    ----------
    scope : {"layer", "global"}, default="layer"
        "layer" prunes each layer by the rate; "global" ranks the weights of all
        layers together, leaving each layer at least its best one. Layers are
        ranked together only where their rate is the same: the output layer joins
        in with `output_rate=1`, and is otherwise pruned by its own rate.
    output_rate : float in [0, 1], default=0.5
        The output layer's rate, as a share of the rate: 0 leaves the output layer
        alone, 1 treats it like the others. A network with a single layer has
        no other to treat differently, and is pruned at the full rate.
"""


@substitute(parameters=_WEIGHT_PARAMETERS)
class Magnitude(_WeightStrategy):
    """Keep the weights of largest magnitude: score abs(w).

    %(parameters)s

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 3.

    Examples
    --------
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.pruning import Magnitude
    >>> clf = WinningTicketClassifier(strategy=Magnitude(scope="global"))
    >>> clf.get_params()["strategy__scope"]
    'global'
    """

    def _scores(self, ticket, random_state):
        return {name: np.abs(ticket.weights[name]) for name in ticket.mask}


@substitute(parameters=_WEIGHT_PARAMETERS)
class InitialMagnitude(_WeightStrategy):
    """Keep the weights that started largest: score abs(w0).

    %(parameters)s

    References
    ----------
    .. [1] H. Zhou et al., "Deconstructing Lottery Tickets", NeurIPS 2019, section 2.

    Examples
    --------
    >>> from skticket.pruning import InitialMagnitude
    >>> InitialMagnitude(output_rate=1)
    InitialMagnitude(output_rate=1)
    """

    def _scores(self, ticket, random_state):
        return {name: np.abs(ticket.initial[name]) for name in ticket.mask}


@substitute(parameters=_WEIGHT_PARAMETERS)
class MagnitudeIncrease(_WeightStrategy):
    """Keep the weights that grew most: score abs(w) - abs(w0).

    %(parameters)s

    References
    ----------
    .. [1] H. Zhou et al., "Deconstructing Lottery Tickets", NeurIPS 2019, section 2.

    Examples
    --------
    >>> from skticket.pruning import MagnitudeIncrease
    >>> MagnitudeIncrease(scope="global")
    MagnitudeIncrease(scope='global')
    """

    def _scores(self, ticket, random_state):
        return {
            name: np.abs(ticket.weights[name]) - np.abs(ticket.initial[name])
            for name in ticket.mask
        }


@substitute(parameters=_WEIGHT_PARAMETERS)
class Movement(_WeightStrategy):
    """Keep the weights that moved furthest: score abs(w - w0).

    %(parameters)s

    References
    ----------
    .. [1] H. Zhou et al., "Deconstructing Lottery Tickets", NeurIPS 2019, section 2.

    Examples
    --------
    >>> from skticket.pruning import Movement
    >>> Movement(scope="global")
    Movement(scope='global')
    """

    def _scores(self, ticket, random_state):
        return {name: np.abs(ticket.weights[name] - ticket.initial[name]) for name in ticket.mask}


@substitute(parameters=_WEIGHT_PARAMETERS)
class Random(_WeightStrategy):
    """Keep weights by chance: the control of every other strategy.

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import Random
    >>> Random(output_rate=0)
    Random(output_rate=0)
    """

    def _scores(self, ticket, random_state):
        return {name: random_state.uniform(size=mask.shape) for name, mask in ticket.mask.items()}


@substitute(parameters=_WEIGHT_PARAMETERS)
class ScoreFunction(_WeightStrategy):
    """Keep the weights that a function scores highest.

    %(parameters)s
    function : callable
        `function(ticket)` returns an array of scores for each name in
        `ticket.mask`, of that mask's shape; the lowest are pruned first.

    Examples
    --------
    >>> from skticket.pruning import ScoreFunction
    >>> squared = ScoreFunction(function=lambda ticket: {
    ...     name: ticket.weights[name] ** 2 for name in ticket.mask
    ... })
    >>> squared.scope
    'layer'
    """

    _parameter_constraints = {**_WeightStrategy._parameter_constraints, "function": [callable]}

    def __init__(self, function, scope="layer", output_rate=0.5):
        super().__init__(scope, output_rate)
        self.function = function

    def _scores(self, ticket, random_state):
        return self.function(ticket)


class _GradientStrategy(_WeightStrategy):
    """Weights scored at their initial values, by what the network does with them."""

    needs_gradients = True

    def __init__(self, scope="global", output_rate=1):
        super().__init__(scope, output_rate)

    def _scores(self, ticket, random_state, gradients=None):
        if gradients is None:
            raise ValueError(
                f"the strategy {type(self).__name__} scores weights by gradients of the network, "
                "which a ticket alone cannot give: Prune needs gradients="
                "skticket.gradients.Gradients(...); an estimator provides them by itself"
            )
        factors = self._factors(ticket, gradients)
        return {name: self._score(ticket.initial[name], factors[name]) for name in ticket.mask}


_AT_INITIALIZATION = """
    A ticket is scored at its initial weights under its current masks, however long it
    has been trained. Rewound to "init", a search with `schedule="one-shot"` so gives
    the network pruned before training; "iterative" scores anew each round.
"""

_GRADIENT_PARAMETERS = """
    Parameters
    ----------
    scope : {"layer", "global"}, default="global"
        "global" ranks the weights of all layers together, leaving each layer at
        least its best one; "layer" prunes each layer by the rate. The paper ranks
        all together, and its method is about how much of each layer to keep;
        `scope="layer", output_rate=0.5` keeps as many weights in each layer as
        the other strategies do by default, so that only the choice of them differs.
    output_rate : float in [0, 1], default=1
        The output layer's rate, as a share of the rate; at 1 it is ranked with the
        others, as in the paper.
"""

_ROWS_PARAMETER = """
    n_rows : int or None, default=128
        How many of the training rows, drawn at random, the loss is taken on (all,
        where there are fewer); None for all.
"""

_ROWS_CONSTRAINTS = {
    **_WeightStrategy._parameter_constraints,
    "n_rows": [Interval(Integral, 1, None, closed="left"), None],
}


@substitute(
    parameters=_GRADIENT_PARAMETERS, rows=_ROWS_PARAMETER, at_initialization=_AT_INITIALIZATION
)
class Snip(_GradientStrategy):
    """Keep the weights to which the initial loss is most sensitive: score abs(w0 ∂L/∂w0).

    %(at_initialization)s

    %(parameters)s
    %(rows)s

    References
    ----------
    .. [1] N. Lee, T. Ajanthan and P. Torr, "SNIP: Single-shot Network Pruning based on
       Connection Sensitivity", ICLR 2019, arXiv:1810.02340, equations 4 and 5.

    Examples
    --------
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.pruning import Snip
    >>> clf = WinningTicketClassifier(strategy=Snip(n_rows=500), schedule="one-shot")
    >>> clf.get_params()["strategy__n_rows"]
    500
    """

    _parameter_constraints = _ROWS_CONSTRAINTS

    def __init__(self, scope="global", output_rate=1, n_rows=128):
        super().__init__(scope, output_rate)
        self.n_rows = n_rows

    def _factors(self, ticket, gradients):
        return gradients.of_loss(ticket, self.n_rows)

    def _score(self, initial, gradient):
        return np.abs(initial * gradient)


@substitute(
    parameters=_GRADIENT_PARAMETERS, rows=_ROWS_PARAMETER, at_initialization=_AT_INITIALIZATION
)
class GraSP(_GradientStrategy):
    """Keep the weights whose removal would most reduce the gradient flow: score w0 (Hg).

    H is the Hessian of the loss by the surviving weights, and g its gradient. To first
    order, removing a weight w changes gᵀg by -2 w (Hg): the paper's score is -w (Hg), and
    the weights with the *highest* are removed. Ours, as all strategies', is of
    what to keep, and has the other sign.

    %(at_initialization)s

    %(parameters)s
    %(rows)s
    temperature : float, default=200
        What the outputs are divided by before the loss is taken, as the authors'
        program does. At 1 what most increases the gradient is often what makes the
        initial network most wrong, and the pruned networks learn badly.

    References
    ----------
    .. [1] C. Wang, G. Zhang and R. Grosse, "Picking Winning Tickets Before Training by
       Preserving Gradient Flow", ICLR 2020, arXiv:2002.07376, equation 8 and
       algorithm 1.
    .. [2] The authors' program, https://github.com/alecwangcq/GraSP.

    Examples
    --------
    >>> from skticket.pruning import GraSP
    >>> GraSP(n_rows=None)
    GraSP(n_rows=None)
    """

    _parameter_constraints = {
        **_ROWS_CONSTRAINTS,
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, scope="global", output_rate=1, n_rows=128, temperature=200):
        super().__init__(scope, output_rate)
        self.n_rows = n_rows
        self.temperature = temperature

    def _factors(self, ticket, gradients):
        return gradients.hessian_times_gradient(ticket, self.n_rows, self.temperature)

    def _score(self, initial, product):
        return initial * product


@substitute(parameters=_GRADIENT_PARAMETERS, at_initialization=_AT_INITIALIZATION)
class SynFlow(_GradientStrategy):
    """Keep the weights that carry most synaptic flow: score abs(w0) ∂R/∂abs(w0).

    R is the sum of the outputs for an input of ones, with the absolute value of each
    parameter in its place, no biases in the layers that are pruned, and the module in
    evaluation mode: for fully connected ReLU layers, the sum over all paths from inputs
    to outputs of the product of their absolute weights. No data are needed. Each pruning goes in
    `n_steps` steps, by the same share each, and scores anew in between, so
    that the last weights of a layer come to carry all the flow and stay.

    %(at_initialization)s

    %(parameters)s
    n_steps : int, default=100
        Number of steps of one pruning; the paper's is 100, and 1 scores only once.

    References
    ----------
    .. [1] H. Tanaka, D. Kunin, D. Yamins and S. Ganguli, "Pruning neural networks
       without any data by iteratively conserving synaptic flow", NeurIPS 2020,
       arXiv:2006.05467, algorithm 1.

    Examples
    --------
    >>> from skticket.pruning import SynFlow
    >>> SynFlow(n_steps=10)
    SynFlow(n_steps=10)
    """

    _parameter_constraints = {
        **_WeightStrategy._parameter_constraints,
        "n_steps": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, scope="global", output_rate=1, n_steps=100):
        super().__init__(scope, output_rate)
        self.n_steps = n_steps

    def masks(self, ticket, rate, *, repeat=1, random_state=None, gradients=None):
        """Return the masks of `ticket` after pruning, by parameter name."""
        self._validate_params()
        counts = self._counts(ticket.mask, rate, repeat)
        masks = ticket.mask
        for step in range(1, self.n_steps + 1):
            due = _counts_due(counts, ticket.mask, masks, step / self.n_steps)
            # Most steps of a small network have nothing to do.
            if step == self.n_steps or any(n for _, n in due):
                current = Ticket(ticket.initial, masks)
                masks = self._masks_after(current, due, random_state, gradients=gradients)
        return masks

    def _factors(self, ticket, gradients):
        return gradients.of_flow(ticket)

    def _score(self, initial, gradient):
        return np.abs(initial) * gradient


def _counts_due(counts, before, masks, progress):
    """What is still to go when so much of the way is done, at an even rate, from `before`."""
    due = []
    for names, n in counts:
        n_before, n_now = _count_alive(before, names), _count_alive(masks, names)
        remaining = n_before * (1 - n / n_before) ** progress if n_before else 0
        due.append((names, n_now - round(remaining)))
    return due


class _UnitStrategy(_Strategy):
    """Whole hidden units: all weights into and out of them; never the outputs."""

    _parameter_constraints = {"scope": [StrOptions({"layer", "global"})]}

    def __init__(self, scope="layer"):
        self.scope = scope

    def _alive(self, ticket):
        return {
            name: ticket.mask[name].any(axis=1) | ticket.mask[following].any(axis=0)
            for name, following in _hidden_layers(ticket)
        }

    def _scores(self, ticket, random_state):
        return {
            name: self._unit_scores(
                np.abs(ticket.weights[name]).sum(axis=1),
                np.abs(ticket.weights[following]).sum(axis=0),
            )
            for name, following in _hidden_layers(ticket)
        }

    def _groups(self, names, rate):
        return [(names, rate)]

    def _masks_without(self, ticket, removed):
        masks = {name: mask.copy() for name, mask in ticket.mask.items()}
        for name, following in _hidden_layers(ticket):
            masks[name][removed[name], :] = False
            masks[following][:, removed[name]] = False
        return masks


def _hidden_layers(ticket):
    """Pairs of names: the weights into each hidden layer, and those out of it."""
    names = list(ticket.mask)
    shapes = [ticket.mask[name].shape for name in names]
    chained = all(len(shape) == 2 for shape in shapes) and all(
        first[0] == second[1] for first, second in zip(shapes, shapes[1:], strict=False)
    )
    if not chained or len(names) < 2:
        raise ValueError(
            "a unit strategy needs fully connected layers, each feeding the next, with at "
            f"least one hidden layer; got weights of shapes {dict(zip(names, shapes, strict=True))}"
        )
    return list(zip(names, names[1:], strict=False))


_UNIT_PARAMETERS = """
    Parameters
    ----------
    scope : {"layer", "global"}, default="layer"
        "layer" prunes that share of each hidden layer's units; "global" ranks the
        units of all hidden layers together, leaving each layer at least its best.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 2.
"""


@substitute(parameters=_UNIT_PARAMETERS)
class UnitInput(_UnitStrategy):
    """Keep the hidden units with the largest sum of absolute incoming weights.

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import UnitInput
    >>> UnitInput(scope="global")
    UnitInput(scope='global')
    """

    def _unit_scores(self, incoming, outgoing):
        return incoming


@substitute(parameters=_UNIT_PARAMETERS)
class UnitOutput(_UnitStrategy):
    """Keep the hidden units with the largest sum of absolute outgoing weights.

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import UnitOutput
    >>> UnitOutput(scope="global")
    UnitOutput(scope='global')
    """

    def _unit_scores(self, incoming, outgoing):
        return outgoing


@substitute(parameters=_UNIT_PARAMETERS)
class UnitProduct(_UnitStrategy):
    """Keep the hidden units with the largest product of the two sums.

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import UnitProduct
    >>> UnitProduct(scope="global")
    UnitProduct(scope='global')
    """

    def _unit_scores(self, incoming, outgoing):
        return incoming * outgoing


_NAMED = {
    "magnitude": Magnitude(),
    "random": Random(),
    "initial_magnitude": InitialMagnitude(),
    "magnitude_increase": MagnitudeIncrease(),
    "movement": Movement(),
    "snip": Snip(),
    "grasp": GraSP(),
    "synflow": SynFlow(),
    "unit_input": UnitInput(),
    "unit_output": UnitOutput(),
    "unit_product": UnitProduct(),
}
STRATEGY_NAMES = frozenset(_NAMED)
STRATEGY_CONSTRAINTS = [StrOptions(STRATEGY_NAMES), HasMethods("masks"), callable]


def _resolve_strategy(strategy):
    if isinstance(strategy, str):
        return _NAMED[strategy]
    return strategy if hasattr(strategy, "masks") else ScoreFunction(strategy)


def needs_gradients(strategy):
    """Tell whether a strategy scores weights by gradients of the network.

    Parameters
    ----------
    strategy : str, strategy or callable
        As `Prune` takes it.

    Returns
    -------
    bool

    Examples
    --------
    >>> from skticket.pruning import needs_gradients
    >>> needs_gradients("snip"), needs_gradients("magnitude")
    (True, False)
    """
    strategy = _NAMED.get(strategy, strategy) if isinstance(strategy, str) else strategy
    return getattr(strategy, "needs_gradients", False)


class Prune(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Remove the least important surviving weights of a ticket.

    A stateless transformer from `Ticket` to `Ticket`: masks shrink, surviving
    values stay. It removes an exact count, `round(rate × surviving)`, with ties
    broken by position, and never the last weight (or unit) of a layer.

    Parameters
    ----------
    rate : float or int, default=0.2
        Share of the surviving weights (or units) to remove, in [0, 1); or, as an
        integer, their number in each layer.
    strategy : str, strategy or callable, default="magnitude"
        How weights are scored: one of "magnitude", "random",
        "initial_magnitude", "magnitude_increase", "movement", "snip", "grasp",
        "synflow", "unit_input", "unit_output", "unit_product"; an instance such as
        `Magnitude(scope="global")`; or a callable that takes the ticket and
        returns scores (see `ScoreFunction`).
    repeat : int, default=1
        Remove at once as many as so many prunings in a row would.
    random_state : int, RandomState instance or None, default=None
        For the "random" strategy.
    gradients : Gradients or None, default=None
        For "snip", "grasp" and "synflow", which score weights by what the network
        does with them: a `skticket.gradients.Gradients`. The estimators provide it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from skticket import Prune, Rewind, Ticket
    >>> theta = np.array([[0.1, -0.2, 0.3, -0.4, 0.5]])
    >>> trained = Ticket({"w": theta}, {"w": theta != 0}, {"w": 2 * theta})
    >>> ticket = make_pipeline(Prune(rate=0.4), Rewind(to="init")).transform(trained)
    >>> ticket.weights["w"]
    array([[ 0. ,  0. ,  0.3, -0.4,  0.5]])
    """

    _parameter_constraints = {
        "rate": RATE_CONSTRAINTS,
        "strategy": STRATEGY_CONSTRAINTS,
        "repeat": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "gradients": [HasMethods(["of_loss", "hessian_times_gradient", "of_flow"]), None],
    }

    def __init__(
        self, rate=0.2, strategy="magnitude", *, repeat=1, random_state=None, gradients=None
    ):
        self.rate = rate
        self.strategy = strategy
        self.repeat = repeat
        self.random_state = random_state
        self.gradients = gradients

    def fit(self, ticket, y=None):
        """Check that the ticket can be pruned so; there is nothing to learn.

        Parameters
        ----------
        ticket : Ticket
            A ticket to be pruned, or one of the same architecture.
        y : None
            Not used.

        Returns
        -------
        Prune
            Itself.

        Raises
        ------
        ValueError
            If an integer rate leaves nothing of a layer, or if a unit strategy
            meets a network that is not fully connected.
        """
        self._validate_params()
        _resolve_strategy(self.strategy).check(ticket, self.rate, repeat=self.repeat)
        return self

    def transform(self, ticket):
        """Return the pruned ticket.

        Parameters
        ----------
        ticket : Ticket
            The ticket to prune.

        Returns
        -------
        Ticket
            A new ticket with fewer surviving weights.

        Raises
        ------
        ValueError
            If an integer rate leaves nothing of a layer, if a unit strategy meets
            a network that is not fully connected, if scores are NaN, or if the
            strategy needs `gradients` and there are none.
        """
        self._validate_params()
        needed = {"gradients": self.gradients} if needs_gradients(self.strategy) else {}
        masks = _resolve_strategy(self.strategy).masks(
            ticket, self.rate, repeat=self.repeat, random_state=self.random_state, **needed
        )
        return Ticket(ticket.initial, masks, ticket.weights, ticket.checkpoints)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        return tags
