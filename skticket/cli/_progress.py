"""How far one is: bars on a terminal, a line a minute elsewhere."""

import time
from collections import deque
from contextlib import contextmanager
from threading import Event, Thread

from ..utils import printable

_MINUTE = 60


@contextmanager
def telling(console, text):
    """Say what takes long, while it does: on a terminal at once, elsewhere a line a minute.

    Parameters
    ----------
    console : rich Console
        Where to.
    text : str
        What it is.

    Yields
    ------
    callable
        Takes another text, for what comes next.
    """
    if console.is_terminal:
        with console.status(text) as status:
            yield status.update
        return
    told, over, start = deque([text], maxlen=1), Event(), time.monotonic()

    def tell():
        while not over.wait(_MINUTE):
            minutes = (time.monotonic() - start) / 60
            console.print(f"{printable(told[-1])} ({minutes:.0f} min)", soft_wrap=True)

    thread = Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield told.append
    finally:
        over.set()
        thread.join()


@contextmanager
def counting(console, text, unit):
    """Show how many of something are done.

    Parameters
    ----------
    console : rich Console
        Where to.
    text : str
        What it is that goes on.
    unit : str
        What is counted.

    Yields
    ------
    callable
        Takes how many are done, how many there are, and another text; each may be None, for what
        it was.
    """
    if console.is_terminal:
        with _bar(console, unit) as bar:
            task = bar.add_task(text, total=None)
            yield lambda done=None, total=None, text=None: bar.update(
                task, completed=done, total=total, description=text
            )
        return
    state = {"text": text, "done": 0, "total": "?"}
    with telling(console, text) as tell:

        def update(done=None, total=None, text=None):
            new = {"done": done, "total": total, "text": text}
            state.update((name, value) for name, value in new.items() if value is not None)
            tell(f"{state['text']}: {state['done']} of {state['total']} {unit}")

        yield update


def _bar(console, unit):
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn(unit),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left:"),
        progress.TimeRemainingColumn(),
        console=console,
        speed_estimate_period=600,
    )


class RoundCounter:
    """A callback of scikit-learn's kind that says which round is trained, and how far it is.

    Parameters
    ----------
    tell : callable
        Takes a text.
    """

    def __init__(self, tell):
        self.tell = tell

    def setup(self, estimator, context):
        """Begin."""

    def teardown(self, estimator, context):
        """End."""

    def on_fit_task_begin(self, estimator, context):
        """Do nothing: what ends is told."""

    def on_fit_task_end(self, estimator, context):
        """Tell of an evaluation."""
        if context.task_name == "epoch":
            number = context.parent.task_id
            self.tell(f"Round {number} of {estimator.rounds}, evaluation {context.task_id + 1}")
