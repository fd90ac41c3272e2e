"""What of a fitted estimator goes to files and other processes, and what is made of it there."""

from functools import cached_property

from sklearn.utils.validation import check_is_fitted

from ..network import hidden_of_ticket, prediction_net
from ._run import Run


class PlainState:
    """An estimator of which arrays, numbers, texts and tickets are kept.

    What follows from these is left out, and made again: so are a default network's nets, which
    would hold code. With `net`, which is code itself, all is kept as it is.
    """

    def __copy__(self):
        # What is in memory serves both.
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __getstate__(self):
        state = super().__getstate__()
        if self.net is not None or "ticket_" not in state:
            return state
        made_again = {"net_", *self._run.attributes()}
        state = {name: value for name, value in state.items() if name not in made_again}
        predictor = state.get("_predictor")
        state["_predictor"] = None if predictor is None else predictor.engine
        return state | {"_run": self._run.state()}

    def __setstate__(self, state):
        super().__setstate__(state)
        if self.net is not None or "ticket_" not in state:
            return
        # A file may say anything.
        hidden_of_ticket(self.ticket_, self.n_features_in_, self._n_outputs())
        self._set_run(Run.from_state(state["_run"]))
        self._predict_by(self._predictor)

    @cached_property
    def net_(self):
        """The net that predicts, built when asked for: the default network predicts without one."""
        check_is_fitted(self)
        sizes = self.n_features_in_, self._n_outputs()
        net = self._default_net(hidden_of_ticket(self.ticket_, *sizes), *sizes)
        return prediction_net(net, self.ticket_)
