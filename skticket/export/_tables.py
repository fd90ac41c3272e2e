"""A converter for skrub's TableVectorizer: an input of the graph for each column of a table."""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from ..utils import extra
from ._graph import Graph, n_rows
from ._texts import can_be_encoded, encoded_text

with extra("onnx", "ONNX graphs"):
    from onnx import TensorProto
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

# Stands for no date among whole numbers.
NO_DATE = np.iinfo(np.int64).min
_DAY = 24 * 60 * 60
# What a feature of a date can be.
_RANGES = {
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "weekday": (1, 7),
}


def table_inputs(table):
    """Return the inputs of a fitted TableVectorizer's graph: pairs of a column's name and a type.

    Numbers are floats, NaN where they are missing; categories and texts are strings, "" where
    they are missing; dates are whole seconds since the beginning of 1970 in UTC, `NO_DATE` where
    they are missing. Columns that are not used are left out.

    Parameters
    ----------
    table : skrub.TableVectorizer
        Fitted.

    Returns
    -------
    list of (str, type of skl2onnx)
        A pair a column, in the table's order.

    Raises
    ------
    NotImplementedError
        If a column is prepared in a way that no graph can.

    Examples
    --------
    >>> import pandas as pd
    >>> from skrub import TableVectorizer
    >>> from skticket.export import table_inputs
    >>> table = pd.DataFrame({"distance": [1.5, 2.5], "weather": ["dry", "snow"]})
    >>> table_inputs(TableVectorizer().fit(table))
    [('distance', FloatTensorType(shape=[None, 1])), ('weather', StringTensorType(shape=[None, 1]))]
    """
    kinds = {"numbers": FloatTensorType, "dates": Int64TensorType}
    kinds |= {"categories": StringTensorType, "texts": StringTensorType}
    return [(name, kinds[kind_of(table, name)]([None, 1])) for name in used_columns(table)]


def used_columns(table):
    """Return the names of the columns of which a fitted TableVectorizer makes something."""
    return [name for name in table.feature_names_in_ if name in table.transformers_]


def kind_of(table, name):
    """Return what a column of a fitted table holds: numbers, categories, texts or dates."""
    transformer = table.transformers_[name]
    kind = type(transformer).__name__
    if isinstance(transformer, SimpleImputer) or kind == "PassThrough":
        return "numbers"
    if isinstance(transformer, OneHotEncoder):
        return "categories"
    if kind == "StringEncoder" and can_be_encoded(transformer):
        return "texts"
    if kind == "DatetimeEncoder" and _is_plain(table, name):
        return "dates"
    raise NotImplementedError(
        f"column {name!r} is prepared by {kind}, of which no ONNX graph is made"
    )


def _is_plain(table, name):
    """Whether dates have no time zone but UTC, and features that are known here."""
    (parser,) = (s for s in table.all_processing_steps_[name] if type(s).__name__ == "ToDatetime")
    features = set(table.transformers_[name].extracted_features_)
    known = {"year", "total_seconds", *_RANGES}
    return parser.output_time_zone_ in (None, "UTC") and features <= known


def table_shapes(operator):
    """Tell skl2onnx the shape of what comes out."""
    n_columns = len(operator.raw_operator.all_outputs_)
    operator.outputs[0].set_type(FloatTensorType([n_rows(operator), n_columns]))


def convert_table(scope, operator, container):
    """Add what a fitted TableVectorizer does to each column."""
    table, graph = operator.raw_operator, Graph(scope, operator, container)
    inputs = {variable.raw_name: variable for variable in operator.inputs}
    parts, names = [], []
    for name in used_columns(table):
        if name not in inputs:
            raise ValueError(f"column {name!r} is not among the inputs {list(inputs)}")
        convert = _CONVERT[kind_of(table, name)]
        parts.append(convert(graph, inputs[name], table.transformers_[name], name))
        names += table.input_to_outputs_[name]
    joined = graph.node("Concat", parts, axis=1)
    order = [names.index(name) for name in table.all_outputs_]
    graph.columns(joined, order, operator.outputs[0].full_name)


def _numbers(graph, variable, transformer, name):
    X = graph.node("Cast", [variable.full_name], to=TensorProto.FLOAT)
    if not isinstance(transformer, SimpleImputer):
        return X
    is_missing = graph.node("IsNaN", [X])
    filled = graph.node("Where", [is_missing, graph.constant(transformer.statistics_), X])
    if transformer.indicator_ is None or not len(transformer.indicator_.features_):
        return filled
    told = graph.node("Cast", [is_missing], to=TensorProto.FLOAT)
    return graph.node("Concat", [filled, told], axis=1)


def _categories(graph, variable, encoder, name):
    _check_strings(variable, name)
    (categories,) = encoder.categories_
    texts = [
        "" if category != category or category is None else str(category) for category in categories
    ]
    one_hot = graph.node(
        "OneHotEncoder", [variable.full_name], op_domain="ai.onnx.ml", cats_strings=texts, zeros=1
    )
    one_hot = graph.node("Reshape", [one_hot, graph.constant([-1, len(texts)])])
    dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[0]
    if dropped is None:
        return one_hot
    return graph.columns(one_hot, np.delete(np.arange(len(texts)), dropped))


def _check_strings(variable, name):
    if not isinstance(variable.type, StringTensorType):
        raise ValueError(f"column {name!r} holds text, and must be of strings")


def _texts(graph, variable, encoder, name):
    _check_strings(variable, name)
    return encoded_text(graph, variable.full_name, encoder)


def _dates(graph, variable, encoder, name):
    if not isinstance(variable.type, Int64TensorType):
        raise ValueError(f"column {name!r} holds dates, and must be of whole seconds since 1970")
    seconds = variable.full_name
    values = _features(graph, seconds)
    parts, names = [], []
    for feature in encoder.extracted_features_:
        if feature in _RANGES:
            # Whatever an encoder makes of so few values is looked up.
            first, last = _RANGES[feature]
            table = _encoded(encoder, name, feature, range(first, last + 1))
            row = graph.node("Sub", [values[feature], graph.constant([first])])
            row = graph.node("Reshape", [row, graph.constant([-1])])
            parts.append(graph.node("Gather", [graph.constant(table.to_numpy()), row], axis=0))
            names += list(table)
        else:
            parts.append(graph.node("Cast", [values[feature]], to=TensorProto.FLOAT))
            names.append(f"{name}_{feature}")
    known = graph.node("Concat", parts, axis=1)
    known = graph.columns(known, [names.index(output) for output in encoder.all_outputs_])
    is_missing = graph.node("Equal", [seconds, graph.constant([NO_DATE])])
    return graph.node("Where", [is_missing, graph.constant([np.nan]), known])


def _encoded(encoder, name, feature, values):
    """Return the columns that an encoder makes of a feature, a row for each of its values."""
    import pandas as pd

    # January 2024 has 31 days, and begins with a Monday.
    varied = "day" if feature == "weekday" else feature
    at_first = {"year": 2024, "month": 1, "day": 1}
    dates = [pd.Timestamp(**at_first | {varied: value}) for value in values]
    made = encoder.transform(pd.Series(dates, name=name))
    prefix = f"{name}_{feature}"
    return made[[c for c in made if c == prefix or c.startswith(f"{prefix}_")]]


def _features(graph, seconds):
    """Return the parts of a date in the Gregorian calendar, by name, of seconds since 1970."""

    def whole(value):
        return graph.constant([value])

    def op(kind, first, second):
        second = second if isinstance(second, str) else whole(second)
        first = first if isinstance(first, str) else whole(first)
        return graph.node(kind, [first, second])

    def divided(value, by):
        """Divide without a remainder, which Div would cut towards 0."""
        return op("Div", op("Sub", value, op("Mod", value, by)), by)

    second_of_day = op("Mod", seconds, _DAY)
    days = divided(seconds, _DAY)
    # Years that begin with March, in eras of 400 years; all that is divided is positive.
    shifted = op("Add", days, 719_468)
    era, day = divided(shifted, 146_097), op("Mod", shifted, 146_097)
    leaps = op("Sub", op("Div", day, 36_524), op("Div", day, 1_460))
    leaps = op("Sub", leaps, op("Div", day, 146_096))
    year = op("Div", op("Add", day, leaps), 365)
    before = op("Sub", op("Add", op("Mul", year, 365), op("Div", year, 4)), op("Div", year, 100))
    day_of_year = op("Sub", day, before)
    month = op("Div", op("Add", op("Mul", day_of_year, 5), 2), 153)
    day_of_month = op(
        "Add", op("Sub", day_of_year, op("Div", op("Add", op("Mul", month, 153), 2), 5)), 1
    )
    month = op("Add", op("Mod", op("Add", month, 2), 12), 1)
    is_early = graph.node("Cast", [op("Less", month, 3)], to=TensorProto.INT64)
    year = op("Add", op("Add", year, op("Mul", era, 400)), is_early)
    return {
        "year": year,
        "month": month,
        "day": day_of_month,
        "hour": op("Div", second_of_day, 3600),
        "minute": op("Mod", op("Div", second_of_day, 60), 60),
        "second": op("Mod", second_of_day, 60),
        "weekday": op("Add", op("Mod", op("Add", days, 3), 7), 1),
        "total_seconds": seconds,
    }


_CONVERT = {"numbers": _numbers, "categories": _categories, "texts": _texts, "dates": _dates}
