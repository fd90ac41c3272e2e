"""What else matters: initial weights, size, pruning rate, and what weights are reset to."""

from functools import partial

from .._claims import fewer, higher, nearest_round, no_lower, percent_at, sizes_of, trials_of
from .._conditions import Condition
from .._experiment import Experiment
from .._plots import TWO_QUANTITIES_EACH, plot_conditions

_separately = partial(plot_conditions, panels="separate")
# Sizes that differ by such a factor at most are about the same.
_SAME_SIZE = 1.05


def _scales(protocol):
    inits = {f"σ = {scale:g}": scale for scale in protocol.scales} | {"Glorot": "glorot_normal"}
    return [Condition.iterative(protocol, name, init=init) for name, init in inits.items()]


def _sizes(protocol):
    return [
        Condition.iterative(protocol, "-".join(map(str, sizes)), hidden_layer_sizes=sizes)
        for sizes in protocol.sizes
    ]


def _tickets_in_each(table, opening):
    """Judge that there are tickets in each condition."""
    claims = []
    for name in table["condition"].unique():
        number = nearest_round(table, name, 16.8)
        size = percent_at(table, number, name)
        claims.append(
            no_lower(
                f"{opening.format(name)}, tickets at {size} end at least as accurate as the full "
                "network",
                trials_of(table, name, number),
                trials_of(table, name, 0),
            )
        )
    return claims


INITIALIZATION_SCALE = Experiment(
    "initialization-scale",
    "How does the standard deviation of the initial weights matter?",
    conditions=_scales,
    claims=lambda table: _tickets_in_each(table, "With {}"),
    pictures={"": _separately},
    caption=TWO_QUANTITIES_EACH,
)
NETWORK_SIZE = Experiment(
    "network-size",
    "How does the size of the network matter?",
    conditions=_sizes,
    claims=lambda table: _tickets_in_each(table, "In a network of {} units"),
    pictures={"": _separately, "-weights": partial(_separately, x="n_weights")},
    caption=TWO_QUANTITIES_EACH + " Then the same against the number of weights.",
)


def _rates(protocol):
    return [
        Condition.iterative(protocol, f"{100 * rate:g}% a round", prune_rate=rate)
        for rate in protocol.rates
    ]


def _slower_is_better(table):
    """Judge that pruning more carefully keeps more accuracy, at the same size."""
    slowest, *others = table["condition"].unique()
    least = sizes_of(table, slowest).min()
    claims = []
    for name in others:
        sizes = sizes_of(table, name)
        # Quick pruning ends anywhere, perhaps at sizes that the slow one does not come down to.
        shared = sizes[sizes > least / _SAME_SIZE]
        number = (sizes if shared.empty else shared).idxmin()
        same = nearest_round(table, slowest, sizes[number])
        claims.append(
            higher(
                f"Pruned to about {percent_at(table, number, name)}, tickets of {slowest} are more "
                f"accurate than those of {name}",
                trials_of(table, slowest, same),
                trials_of(table, name, number),
            )
        )
    return claims


PRUNING_RATE = Experiment(
    "pruning-rate",
    "How much may be pruned in a round?",
    conditions=_rates,
    claims=_slower_is_better,
    pictures={"": _separately},
    caption=TWO_QUANTITIES_EACH,
)


def _rewinds(protocol):
    step = protocol.rewind_step
    rewinds = {"reset": "init", "go on": "none", f"rewind to step {step}": step}
    return [Condition.iterative(protocol, name, rewind_to=to) for name, to in rewinds.items()]


def _resetting_is_better(table):
    """Judge that at small sizes resetting beats going on from the trained weights."""
    claims = []
    for number in dict.fromkeys(nearest_round(table, "reset", size) for size in (16.8, 5.5, 3.5)):
        size = percent_at(table, number)
        reset, on = (trials_of(table, condition, number) for condition in ("reset", "go on"))
        claims += [
            higher(f"At {size}, resetting ends more accurate than going on", reset, on),
            fewer(f"At {size}, resetting converges in fewer iterations than going on", reset, on),
        ]
    return claims


RESETTING = Experiment(
    "resetting",
    "Is resetting the weights better than training on?",
    conditions=_rewinds,
    claims=_resetting_is_better,
)
