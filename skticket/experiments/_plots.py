"""Pictures of the tables that many experiments have in common."""

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from ..inspection import ConditionCurvesDisplay, TrainingCurvesDisplay
from ._conditions import CONTROLS

# What `plot_conditions` draws.
TWO_QUANTITIES = (
    "Iterations to the lowest validation loss, and test accuracy there, against percent of weights "
    "remaining. Means of the trials; bars from the least to the greatest."
)
_LABELS = {
    "test_score": "test accuracy at convergence",
    "reinit": "control 1: reinit",
    "rearrange": "control 2: rearrange",
}
# Accuracies whose errors differ by such a factor are too far apart for a linear scale.
_WIDE = 4


def plot_training(table):
    """Draw test accuracy against iteration, a curve a size, from a row an evaluation."""
    return TrainingCurvesDisplay.from_results(
        table, score="test_score", score_name="test accuracy"
    ).figure_


def plot_conditions(table, x="percent"):
    """Draw iterations to converge, and accuracy there, a curve a condition, against the size.

    The table is as `Laboratory.table` gives it. Accuracies that are far apart are drawn on a logit
    scale.
    """
    means = _mean_of_repeats(table)
    display = ConditionCurvesDisplay.from_results(means, x=x, labels=_LABELS)
    for column, ax in zip(display.columns, display.ax_, strict=True):
        for control, container in display.errorbars_[column].items():
            if control in CONTROLS:
                _draw_trials(ax, means[means["condition"] == control], x, column, container)
    errors = 1 - means["test_score"]
    if errors.max() > _WIDE * errors.min() > 0:
        _set_logit_scale(display.ax_[display.columns.index("test_score")])
    return display.figure_


def _mean_of_repeats(table):
    columns = ["percent", "n_weights", "iterations_to_converge", "test_score"]
    groups = table.groupby(["condition", "trial", "round"], sort=False)
    return groups[columns].mean().reset_index()


def _draw_trials(ax, means, x, column, container):
    """Draw each trial as a faint line behind the mean of all."""
    for _, rows in means.groupby("trial"):
        color = container.lines[0].get_color()
        ax.plot(rows[x], rows[column], color=color, alpha=0.3, linewidth=0.7, zorder=1)


def _set_logit_scale(ax):
    """Show differences among the best as well as among the worst."""
    ax.set_yscale("logit")
    errors = np.outer((0.1, 0.01, 0.001), (7, 5, 3, 2, 1.5, 1))
    ax.yaxis.set_major_locator(FixedLocator(1 - errors.ravel()))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel(f"{ax.get_ylabel()}\n(logit scale)")
