"""Colours and axes that the displays share."""

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# From the palette of Okabe and Ito, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


def percent_axis(ax):
    """Make the x axis that of percent remaining: logarithmic, 100 on the left."""
    ax.set_xscale("log")
    low = min(ax.dataLim.x0, 90.0)
    ax.set_xlim(112, low / 1.12)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("percent of weights remaining")
    ax.spines[["top", "right"]].set_visible(False)
