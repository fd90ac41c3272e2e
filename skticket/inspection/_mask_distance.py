"""How much the masks differ that would be drawn at two times of a training."""

from numbers import Integral

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from ..estimators import masks_of_training
from ._docs import display, draws
from ._rounds import check_estimator, check_tickets
from ._tables import read_table

_COLUMNS = ("iteration", "other", "distance")
_PARAMETERS = """
iterations : ndarray of int, shape (n_masks,)
    When each mask was drawn.
distances : ndarray of float, shape (n_masks, n_masks)
    Of each mask from each other, as `mask_distance` gives them.
X : {array-like, sparse matrix} of shape (n_samples, n_features)
    Inputs that the estimator was fitted on.
y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    Targets that it was fitted on.
sample_weight : array-like of shape (n_samples,), default=None
    Weights that it was fitted with.
rate : float or int, default=None
    At which rate the masks are pruned; by default at once as far as all of the estimator's
    rounds prune.
n_times : int, default=25
    At how many evaluations, at most, masks are drawn; they are spread evenly.
tickets : sequence of Ticket
    As they were pruned at each time.
results : DataFrame, or dict of sequences
    With columns `iteration`, `other` (another iteration) and `distance`; of several rows for
    one pair, such as of several trials, the mean is drawn.
**mesh_kw : dict
    Passed to matplotlib's `pcolormesh`.
"""


def mask_distance(first, second):
    """Return how much two tickets' masks differ, from 0 (alike) to 1 (no weight in common).

    Of masks with equally many weights it is the share of one's weights that the other lacks;
    that of all places at which they differ (the Hamming distance of [1]_) is twice the density
    times as much.

    Parameters
    ----------
    first, second : Ticket
        Of one architecture.

    Returns
    -------
    float
        Places where only one mask has a weight, divided by the weights of both.

    References
    ----------
    .. [1] H. You et al., "Drawing Early-Bird Tickets: Towards More Efficient Training of Deep
       Networks", ICLR 2020, arXiv:1909.11957.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Prune, Ticket
    >>> from skticket.inspection import mask_distance
    >>> ticket = Ticket.full({"w": np.array([[1.0, 2.0, 3.0, 4.0]])}, ["w"])
    >>> mask_distance(Prune(rate=0.5).transform(ticket), Prune(rate=0.75).transform(ticket))
    0.3333333333333333
    """
    check_tickets([first, second])
    differ = sum(np.count_nonzero(first.mask[name] ^ second.mask[name]) for name in first.mask)
    return float(differ / max(first.n_weights + second.n_weights, 1))


@display(_PARAMETERS)
class MaskDistanceDisplay:
    """Distances between the masks that would be drawn at any two times of a training.

    Where the picture turns dark, early on, the mask is known: training on would change it little.

    %(stored)s
    ax_ : matplotlib Axes
        Iteration against iteration.
    mesh_ : matplotlib QuadMesh
        The distances.
    colorbar_ : matplotlib Colorbar
        What the colours are.

    See Also
    --------
    mask_distance : What is drawn.

    References
    ----------
    .. [1] H. You et al., "Drawing Early-Bird Tickets: Towards More Efficient Training of Deep
       Networks", ICLR 2020, arXiv:1909.11957, section 3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import MaskDistanceDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((20,), max_epochs=8, random_state=0).fit(X, y)
    >>> display = MaskDistanceDisplay.from_estimator(clf, X, y, n_times=4)
    >>> display.iterations
    array([ 0, 18, 36, 54, 72])
    >>> first_to_last, later_to_last = display.distances[0, -1], display.distances[2, -1]
    >>> bool(first_to_last > later_to_last)
    True
    """

    def __init__(self, *, iterations, distances):
        self.iterations = iterations
        self.distances = distances

    @classmethod
    @draws(_PARAMETERS)
    def from_estimator(
        cls, estimator, X, y, *, sample_weight=None, rate=None, n_times=25, ax=None, **mesh_kw
    ):
        """Train a fitted estimator's first round again, and draw the masks on the way."""
        check_estimator(estimator)
        if isinstance(n_times, bool) or not isinstance(n_times, Integral) or n_times < 1:
            raise ValueError(f"n_times must be a number of masks, at least 1; got {n_times!r}")
        iterations, tickets = masks_of_training(
            estimator, X, y, sample_weight, rate=rate, n_times=n_times
        )
        return cls.from_tickets(tickets, iterations, ax=ax, **mesh_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_tickets(cls, tickets, iterations, *, ax=None, **mesh_kw):
        """Make and draw the display of tickets."""
        check_tickets(tickets)
        if len(iterations) != len(tickets):
            raise ValueError(
                f"iterations must be as many as tickets, got {len(iterations)} and {len(tickets)}"
            )
        distances = np.array([[mask_distance(a, b) for b in tickets] for a in tickets])
        return cls(iterations=np.asarray(iterations), distances=distances).plot(ax=ax, **mesh_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_results(cls, results, *, ax=None, **mesh_kw):
        """Make and draw the display of a table."""
        frame = read_table(results, _COLUMNS)
        square = pd.pivot_table(frame, "distance", "iteration", "other")
        if not square.index.equals(square.columns) or square.isna().any(axis=None):
            raise ValueError(
                "results must have a distance for each pair of iterations; found "
                f"{len(square)} of `iteration`, {square.shape[1]} of `other`, and "
                f"{int(square.isna().to_numpy().sum())} pairs without one"
            )
        display = cls(iterations=square.index.to_numpy(), distances=square.to_numpy())
        return display.plot(ax=ax, **mesh_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, **mesh_kw):
        """Draw the display."""
        if ax is None:
            # Whose cells are to be squares.
            _, ax = plt.subplots(figsize=(5.2, 4.2), layout="compressed")
        self.ax_, self.figure_ = ax, ax.figure
        edges = _edges(np.asarray(self.iterations, float))
        options = {"cmap": "viridis", "vmin": 0, "shading": "flat", "rasterized": True}
        self.mesh_ = ax.pcolormesh(edges, edges, self.distances, **options | mesh_kw)
        ax.set_box_aspect(1)
        ax.set_xlabel("mask drawn at iteration")
        ax.set_ylabel("other mask drawn at iteration")
        self.colorbar_ = self.figure_.colorbar(
            self.mesh_,
            ax=ax,
            label="weights that only one of both has",
            format=PercentFormatter(1, decimals=0),
        )
        return self


def _edges(times):
    """Ends of cells around some times, half-way to the next."""
    if len(times) == 1:
        return np.array([times[0] - 0.5, times[0] + 0.5])
    middles = (times[1:] + times[:-1]) / 2
    return np.concatenate([[2 * times[0] - middles[0]], middles, [2 * times[-1] - middles[-1]]])
