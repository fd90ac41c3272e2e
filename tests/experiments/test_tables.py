"""What the MNIST experiments measure and draw."""

import matplotlib.pyplot as plt
import pytest

from skticket.experiments import PRESETS
from skticket.experiments.mnist import EXPERIMENTS

SMOKE = PRESETS["smoke"]


@pytest.mark.slow
def test_tables(laboratory):
    fast = PRESETS["fast"]
    protocol = laboratory.protocol
    for name, experiment in EXPERIMENTS.items():
        table = experiment.run(laboratory).table
        ends = table.drop(columns=["incoming", "outgoing"], errors="ignore")
        assert not ends.isna().any(axis=None)
        assert sorted(table["trial"].unique()) == list(range(protocol.trials)), name
        for figure in (draw(table) for draw in experiment.pictures.values()):
            assert figure.axes
            plt.close(figure)
        assert all(claim.text and claim.evidence for claim in experiment.claims(table))
        if "condition" in table:
            assert (table["percent"] <= 100).all() and (table["n_weights"] > 0).all()
            assert table.groupby(["condition", "trial", "repeat", "round"]).size().eq(1).all()
            assert (table["n_steps"] == protocol.iterations).all()
    names = [c.name for c in EXPERIMENTS["initialization-scale"].conditions(fast)]
    assert len(names) >= 5 and "Glorot" in names
    assert len(EXPERIMENTS["network-size"].conditions(fast)) >= 5
    rates = [c.name for c in EXPERIMENTS["pruning-rate"].conditions(fast)]
    assert rates == [f"{rate}% a round" for rate in (10, 20, 40, 60, 80)]


def test_initializations_counts_survivors(laboratory):
    table = EXPERIMENTS["initializations"].run(laboratory).table
    tickets = laboratory.tickets(EXPERIMENTS["initializations"].conditions(SMOKE))
    for one, ticket in tickets.items():
        rows = table[(table["round"] == one.round) & (table["trial"] == one.trial)]
        for layer, (name, mask) in enumerate(ticket.mask.items()):
            of_layer = rows[rows["layer"] == layer]
            assert of_layer["weights"].sum() == mask.sum()
            values = ticket.initial[name][mask]
            for row in of_layer.iloc[:-1:20].itertuples():
                inside = (values >= row.lower) & (values < row.upper)
                assert row.weights == inside.sum()


def test_architecture_counts_connections(laboratory):
    table = EXPERIMENTS["architecture"].run(laboratory).table
    tickets = laboratory.tickets(EXPERIMENTS["architecture"].conditions(SMOKE))
    for one, ticket in tickets.items():
        rows = table[(table["round"] == one.round) & (table["trial"] == one.trial)]
        for layer, mask in enumerate(ticket.mask.values()):
            sources, targets = (rows[rows["layer"] == layer + side] for side in (0, 1))
            for unit in (0, 3):
                outgoing = sources.set_index("unit").loc[unit, "outgoing"]
                incoming = targets.set_index("unit").loc[unit, "incoming"]
                assert outgoing == sum(row[unit] for row in mask.tolist())
                assert incoming == sum(mask.tolist()[unit])


def test_one_shot_curves(laboratory):
    table = EXPERIMENTS["one-shot"].run(laboratory).table
    assert list(table.columns) == ["trial", "round", "percent", "iteration", "test_score"]
    assert (
        table.groupby(["trial", "round"])["iteration"].apply(list).map(str) == "[20, 40, 60]"
    ).all()
