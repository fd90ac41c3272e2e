"""Strategies that prune before training, by what the network does with its initial weights."""

from numbers import Integral, Real

import numpy as np

from ..ticket import Ticket
from ..utils import Interval, substitute
from ._strategy import count_alive
from ._weights import WeightStrategy


class _GradientStrategy(WeightStrategy):
    """Weights scored at their initial values, by what the network does with them."""

    needs_gradients = True

    def _scores(self, ticket, random_state, gradients=None):
        if gradients is None:
            raise ValueError(
                f"the strategy {type(self).__name__} scores weights by gradients of the network, "
                "which a ticket alone cannot give: Prune needs gradients="
                "skticket.training.Gradients(...); an estimator provides them by itself"
            )
        factors = self._factors(ticket, gradients)
        return {name: self._score(ticket.initial[name], factors[name]) for name in ticket.mask}


_PARAMETERS = """
    A ticket is scored at its initial weights under its current masks, however long it
    has been trained. Rewound to "init", a search with `schedule="one-shot"` so gives
    the network pruned before training; "iterative" scores anew each round.

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
    **WeightStrategy._parameter_constraints,
    "n_rows": [Interval(Integral, 1, None, closed="left"), None],
}


@substitute(parameters=_PARAMETERS, rows=_ROWS_PARAMETER)
class Snip(_GradientStrategy):
    """Keep the weights to which the initial loss is most sensitive: score abs(w0 ∂L/∂w0).

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


@substitute(parameters=_PARAMETERS, rows=_ROWS_PARAMETER)
class GraSP(_GradientStrategy):
    """Keep the weights whose removal would most reduce the gradient flow: score w0 (Hg).

    H is the Hessian of the loss by the surviving weights, and g its gradient. To first
    order, removing a weight w changes gᵀg by -2 w (Hg): the paper's score is -w (Hg), and
    the weights with the *highest* are removed. Ours, as all strategies', is of
    what to keep, and has the other sign.

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


@substitute(parameters=_PARAMETERS)
class SynFlow(_GradientStrategy):
    """Keep the weights that carry most synaptic flow: score abs(w0) ∂R/∂abs(w0).

    R is the sum of the outputs for an input of ones, with the absolute value of each
    parameter in its place, no biases in the layers that are pruned, and the module in
    evaluation mode: for fully connected ReLU layers, the sum over all paths from inputs
    to outputs of the product of their absolute weights. No data are needed. Each pruning goes in
    `n_steps` steps, by the same share each, and scores anew in between, so
    that the last weights of a layer come to carry all the flow and stay.

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
        **WeightStrategy._parameter_constraints,
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
        n_before, n_now = count_alive(before, names), count_alive(masks, names)
        remaining = n_before * (1 - n / n_before) ** progress if n_before else 0
        due.append((names, n_now - round(remaining)))
    return due
