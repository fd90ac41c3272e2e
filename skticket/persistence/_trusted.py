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
# What skrub's TableVectorizer is made of: transformers of a column, selectors of columns, and the
# questions about a column that these ask. None of them calls what a file could name.
_TABLES = [
    "skrub._apply_to_each_col.ApplyToEachCol",
    "skrub._check_input.CheckInputDataFrame",
    "skrub._clean_categories.CleanCategories",
    "skrub._clean_null_strings.CleanNullStrings",
    "skrub._dataframe._common.is_any_date",
    "skrub._dataframe._common.is_categorical",
    "skrub._dataframe._common.is_numeric",
    "skrub._datetime_encoder.DatetimeEncoder",
    "skrub._datetime_encoder._CircularEncoder",
    "skrub._drop_uninformative.DropUninformative",
    "skrub._duration_to_float.DurationToFloat",
    "skrub._string_encoder.StringEncoder",
    "skrub._table_vectorizer.PassThrough",
    "skrub._table_vectorizer.ShortReprDict",
    "skrub._table_vectorizer.TableVectorizer",
    "skrub._table_vectorizer._created_by_predicate",
    "skrub._to_datetime.ToDatetime",
    "skrub._to_float.ToFloat",
    "skrub._to_str.ToStr",
    "skrub.selectors._base.All",
    "skrub.selectors._base.And",
    "skrub.selectors._base.Cols",
    "skrub.selectors._base.Filter",
    "skrub.selectors._base.Sub",
    "skrub.selectors._selectors._cardinality_below",
]
# Of plain data.
_VALUES = ["numpy.dtype"]

TRUSTED = tuple(
    sorted([*(f"{kind.__module__}.{kind.__qualname__}" for kind in _OWN), *_TABLES, *_VALUES])
)
