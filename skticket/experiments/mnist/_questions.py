"""The paper's second experiment: winning tickets in a network that learns MNIST.

Ten questions, each a function that takes a `Laboratory` and returns a tidy table. What several
of them need is trained once, where the laboratory has a memory.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from ._laboratory import Condition, Network

__all__ = [
    "architecture",
    "initialization_scale",
    "initializations",
    "iterative",
    "iterative_controls",
    "network_size",
    "one_shot",
    "one_shot_controls",
    "pruning_rate",
    "resetting",
]

# Percent of weights remaining at which the paper looks into tickets.
LOOKED_INTO = (80.0, 16.8, 5.5)
_BINS = 61


def one_shot(laboratory):
    """Follow how winning tickets learn that were pruned once to each size.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        A row an evaluation, with columns `trial`, `round`, `percent`, `iteration` and
        `test_score`.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 3.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.one_shot(laboratory)
    >>> table["percent"].unique().round(1)
    array([100. ,  80.5])
    """
    conditions = one_shot_conditions(laboratory.protocol)
    measured = laboratory.measure(conditions)
    return pd.concat(
        pd.DataFrame(
            {
                "trial": network.trial,
                "round": network.round,
                "percent": 100 * found.density,
                "iteration": found.iterations,
                "test_score": found.test_score,
            }
        )
        for network, found in sorted(measured.items(), key=lambda item: _order(item[0]))
    ).reset_index(drop=True)


def one_shot_conditions(protocol):
    """Return the conditions of `one_shot`."""
    return [_one_shot(protocol)]


def one_shot_controls(laboratory):
    """Compare tickets pruned once with both controls.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        As `Laboratory.table` gives it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 3.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.one_shot_controls(laboratory)
    >>> table["condition"].value_counts().to_dict()
    {'one-shot': 2, 'reinit': 1, 'rearrange': 1}
    """
    return laboratory.table(one_shot_controls_conditions(laboratory.protocol))


def one_shot_controls_conditions(protocol):
    """Return the conditions of `one_shot_controls`."""
    return [_one_shot(protocol), *_controls(protocol, _one_shot(protocol))]


def iterative(laboratory):
    """Compare tickets pruned round by round with tickets pruned once.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        As `Laboratory.table` gives it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 4.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.iterative(laboratory)
    >>> table["condition"].value_counts().to_dict()
    {'iterative': 2, 'one-shot': 2}
    """
    return laboratory.table(iterative_conditions(laboratory.protocol))


def iterative_conditions(protocol):
    """Return the conditions of `iterative`."""
    return [_iterative(protocol), _one_shot(protocol)]


def iterative_controls(laboratory):
    """Compare tickets pruned round by round, and once, with the former's controls.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        As `Laboratory.table` gives it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 4.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.iterative_controls(laboratory)
    >>> table["condition"].value_counts().to_dict()
    {'iterative': 2, 'one-shot': 2, 'reinit': 1, 'rearrange': 1}
    """
    return laboratory.table(iterative_controls_conditions(laboratory.protocol))


def iterative_controls_conditions(protocol):
    """Return the conditions of `iterative_controls`."""
    found = _iterative(protocol)
    return [found, _one_shot(protocol), *_controls(protocol, found)]


def initializations(laboratory):
    """Look at the initial weights that survive, at several sizes.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        A row a bin of a layer's histogram, with columns `trial`, `round`, `percent`,
        `layer` (0 for the first), `lower` and `upper` (the bin's ends) and `weights` (how many
        surviving initial weights it holds).

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.initializations(laboratory)
    >>> table.groupby(["round", "layer"])["weights"].sum().tolist()
    [1920, 300, 100, 1536, 240, 90]
    """
    tickets = _looked_into(laboratory, initializations_conditions)
    full = [ticket for network, ticket in tickets.items() if network.round == 0]
    rows = []
    for position, name in enumerate(full[0].mask):
        largest = max(np.abs(ticket.initial[name]).max() for ticket in full)
        edges = np.linspace(-largest, largest, _BINS + 1)
        for network, ticket in tickets.items():
            survivors = ticket.initial[name][ticket.mask[name]]
            rows.append(
                _about(network, ticket)
                | {
                    "layer": position,
                    "lower": edges[:-1],
                    "upper": edges[1:],
                    "weights": np.histogram(survivors, edges)[0],
                }
            )
    return pd.concat(map(pd.DataFrame, rows)).reset_index(drop=True)


def initializations_conditions(protocol):
    """Return the conditions of `initializations`."""
    rounds = (0, *_rounds_looked_into(protocol))
    return [Condition("iterative", protocol.recipe, rounds)]


def architecture(laboratory):
    """Look at the connections that each input and unit of a ticket has left.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        A row a unit, with columns `trial`, `round`, `percent`, `layer` (0 for the inputs),
        `unit`, and its surviving connections `incoming` (missing for inputs) and `outgoing`
        (missing for outputs).

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.architecture(laboratory)
    >>> table.groupby("layer")["outgoing"].sum().tolist()
    [1536.0, 240.0, 90.0, 0.0]
    """
    rows = []
    for network, ticket in _looked_into(laboratory, architecture_conditions).items():
        masks = list(ticket.mask.values())
        incoming = [None, *(mask.sum(axis=1) for mask in masks)]
        outgoing = [*(mask.sum(axis=0) for mask in masks), None]
        for layer, (into, out) in enumerate(zip(incoming, outgoing, strict=True)):
            n_units = len(out if into is None else into)
            missing = np.full(n_units, np.nan)
            rows.append(
                _about(network, ticket)
                | {
                    "layer": layer,
                    "unit": np.arange(n_units),
                    "incoming": missing if into is None else into.astype(float),
                    "outgoing": missing if out is None else out.astype(float),
                }
            )
    return pd.concat(map(pd.DataFrame, rows)).reset_index(drop=True)


def architecture_conditions(protocol):
    """Return the conditions of `architecture`."""
    return [Condition("iterative", protocol.recipe, _rounds_looked_into(protocol))]


def initialization_scale(laboratory):
    """Vary the standard deviation of the initial weights, and compare with Glorot's.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        As `Laboratory.table` gives it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.initialization_scale(laboratory)
    >>> table["condition"].unique().tolist()
    ['σ = 0.05', 'σ = 0.1', 'σ = 0.2', 'σ = 0.4', 'Glorot']
    """
    return laboratory.table(initialization_scale_conditions(laboratory.protocol))


def initialization_scale_conditions(protocol):
    """Return the conditions of `initialization_scale`."""
    inits = {f"σ = {scale:g}": scale for scale in protocol.scales} | {"Glorot": "glorot_normal"}
    return [
        _iterative(protocol, name, recipe=replace(protocol.recipe, init=init))
        for name, init in inits.items()
    ]


def network_size(laboratory):
    """Vary the number of hidden units.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        As `Laboratory.table` gives it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.network_size(laboratory)
    >>> table["condition"].unique().tolist()
    ['10-5', '15-5', '20-10', '30-10', '40-20']
    """
    return laboratory.table(network_size_conditions(laboratory.protocol))


def network_size_conditions(protocol):
    """Return the conditions of `network_size`."""
    return [
        _iterative(
            protocol,
            "-".join(map(str, sizes)),
            recipe=replace(protocol.recipe, hidden_layer_sizes=sizes),
        )
        for sizes in protocol.sizes
    ]


def pruning_rate(laboratory):
    """Vary the share of weights that is pruned in a round.

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        As `Laboratory.table` gives it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.pruning_rate(laboratory)
    >>> table.groupby("condition", sort=False)["percent"].min().round(1).tolist()
    [81.4, 80.4, 60.9, 41.3, 21.7]
    """
    return laboratory.table(pruning_rate_conditions(laboratory.protocol))


def pruning_rate_conditions(protocol):
    """Return the conditions of `pruning_rate`."""
    return [
        Condition(
            f"{100 * rate:g}% a round",
            replace(protocol.recipe, prune_rate=rate),
            tuple(range(protocol.rounds_at(rate) + 1)),
        )
        for rate in protocol.rates
    ]


def resetting(laboratory):
    """Compare what the weights are set to before the next training.

    Their initial values (this paper), those they had after some steps, or nothing: training
    goes on (earlier research).

    Parameters
    ----------
    laboratory : Laboratory
        Where the networks are trained.

    Returns
    -------
    DataFrame
        As `Laboratory.table` gives it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, mnist
    >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
    >>> table = mnist.resetting(laboratory)
    >>> table["condition"].unique().tolist()
    ['reset', 'go on', 'rewind to step 10']
    """
    return laboratory.table(resetting_conditions(laboratory.protocol))


def resetting_conditions(protocol):
    """Return the conditions of `resetting`."""
    step = protocol.rewind_step
    rewinds = {"reset": "init", "go on": "none", f"rewind to step {step}": step}
    return [
        _iterative(protocol, name, recipe=replace(protocol.recipe, rewind_to=rewind))
        for name, rewind in rewinds.items()
    ]


def _iterative(protocol, name="iterative", recipe=None):
    return Condition(name, recipe or protocol.recipe, tuple(range(protocol.rounds + 1)))


def _one_shot(protocol):
    recipe = replace(protocol.recipe, schedule="one-shot")
    return Condition("one-shot", recipe, (0, *_every_third_round(protocol)))


def _controls(protocol, condition):
    """Return both controls of a condition's tickets."""
    rounds = _every_third_round(protocol)
    return [
        replace(condition, name=control, rounds=rounds, control=control, repeats=repeats)
        for control, repeats in (("reinit", protocol.controls), ("rearrange", 1))
    ]


def _every_third_round(protocol):
    """Return sizes that are enough for a curve, with the paper's 16.8% among them."""
    return tuple(range(min(2, protocol.rounds), protocol.rounds + 1, 3))


def _rounds_looked_into(protocol):
    return tuple(dict.fromkeys(protocol.round_at(percent) for percent in LOOKED_INTO))


def _looked_into(laboratory, conditions):
    tickets = laboratory.tickets(conditions(laboratory.protocol))
    return dict(sorted(tickets.items(), key=lambda item: _order(item[0])))


def _order(network: Network):
    return network.round, network.trial


def _about(network, ticket):
    return {"trial": network.trial, "round": network.round, "percent": 100 * ticket.density}
