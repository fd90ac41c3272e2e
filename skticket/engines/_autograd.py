"""Any net, by torch's autograd, under masks."""

from contextlib import contextmanager
from functools import partial

import torch

from ..network import load_arrays


def survival_factors(module, mask):
    """Return 1 where a weight survives and 0 elsewhere, for each weight of which some are pruned.

    Multiplying by 0 and 1 is several times faster than filling by a boolean mask.
    """
    named = dict(module.named_parameters())
    return {
        name: torch.tensor(array).to(named[name]) for name, array in mask.items() if not array.all()
    }


@contextmanager
def autograd_engine(net, ticket, data, n_threads):
    """Leave the steps to skorch and torch; keep pruned weights at 0, and so their gradients."""
    factors = survival_factors(net.module_, ticket.mask)
    with _masked_gradients(net.module_, factors), masked_weights(net, factors):
        yield partial(change_masks, net, factors)


def change_masks(net, factors, ticket):
    """Go on with another ticket: its weights, its masks, and an optimizer that forgets the pruned.

    A weight that is new was pruned until now, and has no state that is not 0.
    """
    load_arrays(net.module_, ticket.weights)
    named = dict(net.module_.named_parameters())
    for name, factor in factors.items():
        factor.copy_(torch.tensor(ticket.mask[name]))
        for value in net.optimizer_.state.get(named[name], {}).values():
            if torch.is_tensor(value) and value.shape == factor.shape:
                value.mul_(factor)


@contextmanager
def _masked_gradients(module, factors):
    """Mask the gradients that autograd computes.

    Optimizers that couple weights (by clipping, or by a line search) must not see
    pruned gradients. It is not enough: see `masked_weights`.
    """

    def mask_gradient(factor, parameter):
        parameter.grad.mul_(factor)

    named = dict(module.named_parameters())
    hooks = [
        named[name].register_post_accumulate_grad_hook(partial(mask_gradient, factor))
        for name, factor in factors.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def masked_weights(net, factors):
    """Keep the pruned weights of a net's module exactly 0 while its optimizer trains it.

    Weight decay and momentum would revive a weight whose gradient alone is masked.
    """
    named = dict(net.module_.named_parameters())
    masked = [(named[name], factor) for name, factor in factors.items()]

    def mask_weights(*_):
        with torch.no_grad():
            for parameter, factor in masked:
                parameter.mul_(factor)

    hook = net.optimizer_.register_step_post_hook(mask_weights) if masked else None
    try:
        yield
    finally:
        if hook is not None:
            hook.remove()
