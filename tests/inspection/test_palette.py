"""The same colour means the same thing in every picture."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from skticket.experiments import xor
from skticket.inspection import (
    PALETTE,
    ConditionCurvesDisplay,
    TicketCurveDisplay,
    TicketTestDisplay,
    looks_of,
)


def test_the_names_that_pictures_share():
    names = {"ticket", "full network", "reinit", "rearrange", "random masks", "one-shot"}
    assert names <= set(PALETTE)


def test_colours_and_markers_are_all_different():
    others = looks_of([f"other {number}" for number in range(7)])
    looks = set(PALETTE.values()) | set(others.values())
    # Another colour by more than rounding: a tenth of a channel's range at least.
    for first, second in combinations({look.color for look in looks}, 2):
        assert np.abs(np.subtract(to_rgb(first), to_rgb(second))).max() > 0.1
    named = set(PALETTE.values())
    assert len({look.marker for look in named}) == len(named)
    assert len({look.marker for look in others.values()}) == 7


def results(*conditions):
    return pd.DataFrame(
        [(condition, percent, 10.0, 0.5) for condition in conditions for percent in (100.0, 50.0)],
        columns=["condition", "percent", "iterations_to_converge", "test_score"],
    )


def test_conditions_look_alike_in_whatever_order():
    drawn = [
        ConditionCurvesDisplay.from_results(results(*names)).errorbars_["test_score"]
        for names in (("iterative", "mine", "reinit"), ("reinit", "one-shot", "iterative"))
    ]
    for errorbars in drawn:
        for name, look in (("iterative", PALETTE["ticket"]), ("reinit", PALETTE["reinit"])):
            line = errorbars[name].lines[0]
            assert (line.get_color(), line.get_marker()) == (look.color, look.marker)
    assert drawn[0]["mine"].lines[0].get_color() not in {look.color for look in PALETTE.values()}


@pytest.mark.parametrize("control", ["reinit", "rearrange", "shuffle", "inverted", "control"])
def test_a_ticket_and_its_controls(control):
    display = TicketTestDisplay(
        score=0.9, control_scores=np.array([0.7, 0.8]), pvalue=1 / 3, control=control
    ).plot()
    assert display.line_.get_color() == PALETTE["ticket"].color
    face = display.bars_.patches[0].get_facecolor()[:3]
    np.testing.assert_allclose(face, to_rgb(PALETTE[control].color))


def test_scores_of_one_ticket_differ_by_their_lines():
    search = {
        "density": np.array([1.0, 0.8]),
        "round": np.array([0, 1]),
        "iterations_to_match": np.array([20, 10]),
        "n_steps": np.array([30, 30]),
        "valid_score": np.array([0.8, 0.9]),
        "test_score": np.array([0.7, 0.8]),
        "is_winning": np.array([False, True]),
    }
    display = TicketCurveDisplay.from_results(search)
    lines = {line.get_label(): line for line in display.ax_[0].get_lines()}
    test, validation = lines["test"], lines["validation"]
    assert test.get_color() == validation.get_color() == PALETTE["ticket"].color
    assert test.get_linestyle() != validation.get_linestyle()


def test_networks_of_exclusive_or():
    columns = {f"{name}{end}": 50.0 for name in ("db", "zl") for end in ("", "_low", "_high")}
    direct = pd.DataFrame(
        {"units": [4, 2], **columns, "db_published": 1.0, "zl_published": 1.0, "networks": 9}
    )
    pruned = direct.assign(strategy="product")
    ax = xor.plot_success(direct, pruned).axes[0]
    colors = {line.get_color() for line in ax.get_lines()}
    assert colors == {PALETTE["ticket"].color, PALETTE["full network"].color}
