"""What `skticket find` learns from: MNIST-1D, digits, MNIST or a table in a file."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ._output import listed

# The share of rows that are held out, where a data set has no test rows of its own.
_TEST_FRACTION = 0.2
# How the networks of images train, whatever the defaults for tables: all the way, without penalty.
_PROTOCOL = {"learning_rate": 1.2e-3, "alpha": 0, "n_iter_no_change": None}
_UNSCALED = [("scale", "passthrough")]
# A class is rare that has so small a share of the rows it would have if all were equally frequent.
_RARE = 0.2
# Below it, the whole numbers that floats are, are integers, too.
_LARGEST_WHOLE = 2**53


@dataclass(frozen=True)
class Source:
    """What is learned from, and how.

    Parameters
    ----------
    parts : sequence
        X to train and to test with, and y to train and to test with.
    preparation : list of (str, transformer)
        Steps of a Pipeline that turn X into numbers to learn from.
    regression : bool, default=False
        Whether y are numbers.
    defaults : dict, default={}
        Parameters of the estimator.
    notes : sequence of str, default=()
        What to say of a table.
    counts : Series or None, default=None
        Rows of each class of a table.
    """

    parts: Sequence
    preparation: list
    regression: bool = False
    defaults: dict = field(default_factory=dict)
    notes: Sequence = ()
    counts: object = None

    @property
    def has_rare_class(self):
        """Whether the accuracy would say little of one of the classes."""
        if self.counts is None:
            return False
        return self.counts.min() < _RARE * self.counts.mean()


def load(source, question, reading, seed=0):
    """Return what a source has to be learned from.

    Parameters
    ----------
    source : str
        "mnist", "mnist1d", "digits", or the path of a table.
    question : Question
        What is asked of a table.
    reading : Reading
        How to read its file.
    seed : int, default=0
        Determines how its texts are encoded.
    """
    if source not in ("mnist", "mnist1d", "digits"):
        return _load_table(source, question, reading, seed)
    from sklearn.preprocessing import StandardScaler

    from ..datasets import fetch_mnist, load_digits, make_mnist1d, split_images

    if source == "mnist":
        # The paper's split and its grid; 5,000 of 60,000 rows are for validation.
        defaults = _PROTOCOL | {"max_epochs": 4, "batch_size": 60}
        defaults |= {"evaluate_every": 100, "validation_fraction": 1 / 12}
        return Source(split_images(fetch_mnist()), _UNSCALED, defaults=defaults)
    if source == "mnist1d":
        # Already standardized, as a whole.
        X, y = make_mnist1d(random_state=0)
        defaults = _PROTOCOL | {"hidden_layer_sizes": (500,), "rounds": 12}
        defaults |= {"max_epochs": 40, "batch_size": 100}
        return Source(_split(X, y), _UNSCALED, defaults=defaults)
    return Source(_split(*load_digits(return_X_y=True)), [("scale", StandardScaler())])


def _load_table(path, question, reading, seed):
    from ._faults import check_table
    from ._preparation import table_steps
    from ._reading import read_table

    steps = table_steps(seed)
    try:
        frame, names, form = read_table(path, reading)
    except FileNotFoundError:
        raise ValueError(
            f'no file {path!r}: the source is "mnist1d", "digits", "mnist", or a CSV or Parquet '
            "file"
        ) from None
    if question.target is None:
        raise ValueError(
            f"--target is missing: which of the columns {listed(list(frame))} is to be predicted?"
        )
    check_table(path, frame, names, question)
    n_rows, n_columns = frame.shape
    frame = frame.drop(columns=list(question.drop))
    frame = frame.dropna(subset=question.target, ignore_index=True)
    notes = [f"{path}: {n_rows:,} rows, {n_columns} columns; {form}."]
    if len(frame) < n_rows:
        notes.append(
            f"{n_rows - len(frame):,} rows have no {question.target!r}: they are left out."
        )
    y = frame.pop(question.target)
    regression = question.is_regression(y)
    notes.append(_task_note(y, question, regression))
    y = _targets(y, regression)
    counts = None if regression else y.value_counts()
    stratified = not regression and _can_be_stratified(counts)
    parts = _split(frame, y.to_numpy(), stratified)
    return Source(parts, steps, regression, notes=notes, counts=counts)


def _task_note(y, question, regression):
    from ._faults import MOST_CLASSES, is_a_number

    task, other = "classification", "--task regression predicts numbers"
    if regression:
        task, other = "regression", "--task classification predicts classes"
    if question.task != "auto" or not is_a_number(y):
        return f"Task: {task}."
    n_values, few = y.nunique(), "" if regression else "only "
    has_few_decimals = regression and n_values <= MOST_CLASSES
    kinds = "decimals" if has_few_decimals else f"{few}{n_values:,} different values"
    return f"Task: {task}, as {question.target!r} has {kinds}; {other}."


def _targets(y, regression):
    """Return targets as the estimator takes them: numbers, truth values, or text of one kind.

    Classes that are numbers are whole ones, though a column that lacks some holds no integers.
    """
    import pandas as pd

    from ._faults import are_whole

    if regression:
        return pd.to_numeric(y.astype(object)).astype(float)
    if y.dtype.kind == "f" and are_whole(y) and y.abs().max() < _LARGEST_WHOLE:
        return y.astype("int64")
    return y if y.dtype.kind in "biu" else y.astype(str).astype(object)


def _can_be_stratified(counts):
    """Say whether each class can have a row on either side."""
    return counts.min() > 1 and len(counts) <= int(_TEST_FRACTION * counts.sum())


def _split(X, y, stratified=True):
    """Hold test rows out."""
    from sklearn.model_selection import train_test_split

    return train_test_split(
        X, y, test_size=_TEST_FRACTION, random_state=0, stratify=y if stratified else None
    )
