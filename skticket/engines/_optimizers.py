"""torch's optimizers, of which the compiled code takes the steps."""

from functools import cached_property

import torch

from ._compiled import call


class _Flat:
    """What both have: one flat parameter on the processor, whose gradient keeps its memory."""

    def step(self, closure=None):
        """Take a step; schedulers and hooks of torch know of it."""
        loss = None if closure is None else closure()
        self.update()
        return loss

    @cached_property
    def _arrays(self):
        """The parameter and its gradient. Made once: a small network's step takes little longer."""
        (values,) = self.param_groups[0]["params"]
        return values.detach().numpy(), values.grad.numpy()

    def _state_arrays(self, *names):
        """Arrays of torch's state of the parameter, begun at 0."""
        (values,) = self.param_groups[0]["params"]
        state = self.state[values]
        for name in names:
            state[name] = torch.zeros_like(values)
        return [state[name].detach().numpy() for name in names]


class CompiledSGD(_Flat, torch.optim.SGD):
    """`torch.optim.SGD`; without dampening or maximizing."""

    def update(self):
        """Take a step of which nobody is told."""
        group = self.param_groups[0]
        parameters, gradients = self._arrays
        call(
            "update_sgd",
            parameters,
            gradients,
            self._buffer if group["momentum"] else parameters[:0],
            float(group["lr"]),
            float(group["momentum"]),
            bool(group["nesterov"]),
            float(group["weight_decay"]),
        )

    @cached_property
    def _buffer(self):
        return self._state_arrays("momentum_buffer")[0]


class CompiledAdam(_Flat, torch.optim.Adam):
    """`torch.optim.Adam`, in its plain form."""

    n_steps = 0

    def update(self):
        """Take a step of which nobody is told."""
        group = self.param_groups[0]
        self.n_steps += 1
        call(
            "update_adam",
            *self._arrays,
            *self._means,
            self.n_steps,
            float(group["lr"]),
            float(group["betas"][0]),
            float(group["betas"][1]),
            float(group["eps"]),
            float(group["weight_decay"]),
        )

    @cached_property
    def _means(self):
        return self._state_arrays("exp_avg", "exp_avg_sq")
