"""torch's optimizers, of which the compiled code takes the steps."""

import torch

from ._compiled import call


class CompiledSGD(torch.optim.SGD):
    """`torch.optim.SGD` for one flat parameter on the processor; no dampening, no maximizing."""

    def step(self, closure=None):
        """Take a step; schedulers and hooks of torch know of it."""
        loss = None if closure is None else closure()
        self.update()
        return loss

    def update(self):
        """Take a step of which nobody is told."""
        (group,) = self.param_groups
        (values,) = group["params"]
        state = self.state[values]
        if group["momentum"] and not state:
            state["momentum_buffer"] = torch.zeros_like(values)
        parameters = values.detach().numpy()
        buffer = state["momentum_buffer"].numpy() if state else parameters[:0]
        call(
            "update_sgd",
            parameters,
            values.grad.numpy(),
            buffer,
            float(group["lr"]),
            float(group["momentum"]),
            bool(group["nesterov"]),
            float(group["weight_decay"]),
        )


class CompiledAdam(torch.optim.Adam):
    """`torch.optim.Adam` for one flat parameter on the processor, in its plain form."""

    def step(self, closure=None):
        """Take a step; schedulers and hooks of torch know of it."""
        loss = None if closure is None else closure()
        self.update()
        return loss

    def update(self):
        """Take a step of which nobody is told."""
        (group,) = self.param_groups
        (values,) = group["params"]
        state = self.state[values]
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(values)
            state["exp_avg_sq"] = torch.zeros_like(values)
        state["step"] += 1
        call(
            "update_adam",
            values.detach().numpy(),
            values.grad.numpy(),
            state["exp_avg"].numpy(),
            state["exp_avg_sq"].numpy(),
            state["step"],
            float(group["lr"]),
            float(group["betas"][0]),
            float(group["betas"][1]),
            float(group["eps"]),
            float(group["weight_decay"]),
        )
