"""The types that a model's file may hold: the only place where they are named."""

from .. import initialization, pruning
from ..estimators import WinningTicketClassifier, WinningTicketRegressor
from ..rewinding import Rewind
from ..ticket import Ticket
from ..transformers import TicketSelector, TicketTransformer

_OWN = [
    Rewind,
    Ticket,
    TicketSelector,
    TicketTransformer,
    WinningTicketClassifier,
    WinningTicketRegressor,
    *(
        kind
        for room in (initialization, pruning)
        for kind in (getattr(room, name) for name in room.__all__)
        if isinstance(kind, type)
    ),
]
# What skrub's TableVectorizer is made of: transformers, which hold numbers, texts and one another.
_TABLES = [
    "skrub._apply_to_each_col.ApplyToEachCol",
    "skrub._check_input.CheckInputDataFrame",
    "skrub._clean_categories.CleanCategories",
    "skrub._clean_null_strings.CleanNullStrings",
    "skrub._datetime_encoder.DatetimeEncoder",
    "skrub._datetime_encoder._CircularEncoder",
    "skrub._datetime_encoder._SplineEncoder",
    "skrub._drop_uninformative.DropUninformative",
    "skrub._duration_to_float.DurationToFloat",
    "skrub._string_encoder.StringEncoder",
    "skrub._table_vectorizer.PassThrough",
    "skrub._table_vectorizer.ShortReprDict",
    "skrub._table_vectorizer.TableVectorizer",
    "skrub._to_datetime.ToDatetime",
    "skrub._to_float.ToFloat",
    "skrub._to_str.ToStr",
]
_VALUES = ["numpy.dtype"]

TRUSTED = tuple(
    sorted([*(f"{kind.__module__}.{kind.__qualname__}" for kind in _OWN), *_TABLES, *_VALUES])
)
