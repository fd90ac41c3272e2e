"""torch's optimizers, of which the compiled code takes the steps."""

from functools import cached_property

import torch

from ._compiled import call, kernels
from ._tables import Rule, Settings


class _Flat:
    """What both have: one flat parameter on the processor, whose gradient keeps its memory."""

    n_steps = 0

    def step(self, closure=None):
        """Take a step; schedulers and hooks of torch know of it."""
        loss = None if closure is None else closure()
        n_steps = self.count(1) + 1
        vectors = kernels().Vectors(*self._arrays, *self.state_arrays)
        call("update", self.settings(), n_steps, vectors)
        return loss

    def count(self, n_steps):
        """Count steps that are taken; return how many there were before."""
        before = self.n_steps
        self.n_steps += n_steps
        return before

    def go_on_with(self, values, carry):
        """Take further steps of another parameter; `carry` makes its state of that of this one."""
        names = self._state_names()
        states = [carry(array) for array in self.state_arrays[: len(names)]]
        group = self.param_groups[0]
        del self.state[group["params"][0]], self._arrays, self.state_arrays
        group["params"] = [values]
        self.state[values] = dict(zip(names, map(torch.from_numpy, states), strict=True))

    @cached_property
    def state_arrays(self):
        """Two arrays of torch's state of the parameter, begun at 0; empty where there is none."""
        (values,) = self.param_groups[0]["params"]
        state = self.state[values]
        for name in self._state_names():
            state.setdefault(name, torch.zeros_like(values))
        arrays = [state[name].detach().numpy() for name in self._state_names()]
        return (arrays + [self._arrays[0][:0]] * 2)[:2]

    @cached_property
    def _arrays(self):
        """The parameter and its gradient. Made once: a small network's step takes little longer."""
        (values,) = self.param_groups[0]["params"]
        return values.detach().numpy(), values.grad.numpy()


class CompiledSGD(_Flat, torch.optim.SGD):
    """`torch.optim.SGD`; without dampening or maximizing."""

    def settings(self):
        """Return what the compiled code has to know."""
        group = self.param_groups[0]
        return Settings(
            rule=int(Rule.sgd),
            lr=float(group["lr"]),
            weight_decay=float(group["weight_decay"]),
            momentum=float(group["momentum"]),
            nesterov=bool(group["nesterov"]),
        )

    def _state_names(self):
        return ["momentum_buffer"] if self.param_groups[0]["momentum"] else []


class CompiledAdam(_Flat, torch.optim.Adam):
    """`torch.optim.Adam`, in its plain form."""

    def settings(self):
        """Return what the compiled code has to know."""
        group = self.param_groups[0]
        return Settings(
            rule=int(Rule.adam),
            lr=float(group["lr"]),
            weight_decay=float(group["weight_decay"]),
            beta1=float(group["betas"][0]),
            beta2=float(group["betas"][1]),
            eps=float(group["eps"]),
        )

    def _state_names(self):
        return ["exp_avg", "exp_avg_sq"]
