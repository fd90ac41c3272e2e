"""Pictures of the tables that many experiments have in common."""

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from ..inspection import ConditionCurvesDisplay, TrainingCurvesDisplay
from ._conditions import CONTROLS

# What `plot_conditions` draws.
_BOTH = (
    "Iterations to the lowest validation loss, and test accuracy there, against percent of weights"
)
_CAPPED = "Arrows: at least so many, because a trial's loss was lowest at its last evaluation."
TWO_QUANTITIES = (
    f"{_BOTH} remaining. Means of the trials; bars from the least to the greatest. {_CAPPED}"
)
# The same with `panels="separate"`.
TWO_QUANTITIES_EACH = (
    f"{_BOTH} remaining, a condition a panel. Means of the trials; bands from the least to the "
    f"greatest; grey: the other conditions. {_CAPPED}"
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


def plot_conditions(table, x="percent", panels="together"):
    """Draw iterations to converge, and accuracy there, a curve a condition, against the size.

    The table is as `Laboratory.table` gives it. Accuracies that are far apart are drawn on a logit
    scale.
    """
    means = _mean_of_repeats(table)
    display = ConditionCurvesDisplay.from_results(means, x=x, labels=_LABELS, panels=panels)
    rows = display.ax_.reshape(len(display.columns), -1)
    for column, ax in zip(display.columns, rows[:, 0], strict=True):
        for control, container in display.errorbars_[column].items():
            if control in CONTROLS:
                _draw_trials(ax, means[means["condition"] == control], x, column, container)
    errors = 1 - means["test_score"]
    set_logit_scale_if_wide(rows[display.columns.index("test_score")], errors)
    return display.figure_


def _mean_of_repeats(table):
    columns = ["percent", "n_weights", "iterations_to_converge", "test_score"]
    table = table.assign(is_capped=table["iterations_to_converge"] >= table["n_steps"])
    groups = table.groupby(["condition", "trial", "round"], sort=False)
    return groups[columns].mean().assign(is_capped=groups["is_capped"].any()).reset_index()


def _draw_trials(ax, means, x, column, container):
    """Draw each trial as a faint line behind the mean of all."""
    for _, rows in means.groupby("trial"):
        color = container.lines[0].get_color()
        ax.plot(rows[x], rows[column], color=color, alpha=0.3, linewidth=0.7, zorder=1)


def set_logit_scale_if_wide(row, errors):
    """Show differences among the best accuracies as well as among the worst."""
    if not errors.max() > _WIDE * errors.min() > 0:
        return
    ticks = np.outer((0.1, 0.01, 0.001), (7, 5, 3, 2, 1.5, 1))
    low, high = row[0].get_ylim()
    for ax in row:
        ax.set_yscale("logit")
        # A share of the range of errors more on either side, as they lie on this scale.
        ax.set_ylim(min(low, 1 - 1.2 * errors.max()), min(high, 1 - errors.min() / 1.2))
        ax.yaxis.set_major_locator(FixedLocator(1 - ticks.ravel()))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
    row[0].set_ylabel(f"{row[0].get_ylabel()}\n(logit scale)")
