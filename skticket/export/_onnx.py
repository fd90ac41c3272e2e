"""Converters for skl2onnx: a fitted estimator becomes nodes of an ONNX graph."""

from contextlib import suppress

import numpy as np
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from ..estimators import WinningTicketClassifier, WinningTicketRegressor, has_labels
from ..transformers import TicketSelector, TicketTransformer, hidden_ticket
from ..utils import extra
from ._graph import Graph, n_rows, numbers_type
from ._tables import convert_table, table_inputs, table_shapes

with extra("onnx", "ONNX graphs"):
    from onnx import TensorProto
    from skl2onnx import to_onnx, update_registered_converter
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
    from skl2onnx.common.utils_classifier import get_label_classes


def _check_is_default(estimator):
    if estimator.net is not None:
        raise NotImplementedError(
            "only tickets of the default network are exported, and this one has a net of its own; "
            "torch.onnx exports its module, net_.module_"
        )


def _regressor_shapes(operator):
    _check_is_default(operator.raw_operator)
    n_outputs = _n_outputs(operator.raw_operator)
    operator.outputs[0].set_type(numbers_type(operator)([n_rows(operator), n_outputs]))


def _n_outputs(estimator):
    return len(list(estimator.ticket_.mask.values())[-1])


def _convert_regressor(scope, operator, container):
    regressor, graph = operator.raw_operator, Graph(scope, operator, container)
    predicted = graph.outputs_of(regressor.ticket_, graph.X())
    # Not made part of the last layer: sums of rounded terms far from 0 would lose what varies.
    scaled = graph.node("Mul", [predicted, graph.constant(np.atleast_1d(regressor.y_scale_))])
    mean = graph.constant(np.atleast_1d(regressor.y_mean_))
    graph.node("Add", [scaled, mean], operator.outputs[0].full_name)


def _classifier_shapes(operator):
    classifier = operator.raw_operator
    _check_is_default(classifier)
    rows, table = [n_rows(operator)], [n_rows(operator), len(classifier.classes_)]
    is_text = _labels(operator.scope_inst, classifier).dtype.kind == "U"
    label_type = StringTensorType if is_text else Int64TensorType
    label, probabilities = operator.outputs
    label.set_type(label_type(table if has_labels(classifier) else rows))
    probabilities.set_type(numbers_type(operator)(table))


def _convert_classifier(scope, operator, container):
    classifier, graph = operator.raw_operator, Graph(scope, operator, container)
    label, probabilities = (variable.full_name for variable in operator.outputs)
    outputs = graph.outputs_of(classifier.ticket_, graph.X())
    if has_labels(classifier):
        graph.node("Sigmoid", [outputs], probabilities)
        is_there = graph.node("Greater", [probabilities, graph.constant(0.5)])
        graph.node("Cast", [is_there], label, to=TensorProto.INT64)
        return
    if _n_outputs(classifier) == 1:
        outputs = graph.node("Concat", [graph.node("Neg", [outputs]), outputs], axis=1)
        graph.node("Sigmoid", [outputs], probabilities)
    else:
        graph.node("Softmax", [outputs], probabilities, axis=1)
    best = graph.node("ArgMax", [probabilities], axis=1, keepdims=0)
    graph.node("Gather", [graph.constant(_labels(scope, classifier)), best], label)


def _labels(scope, classifier):
    """Return labels of a type that ONNX graphs give: whole numbers or texts."""
    # Their positions, if the option "nocl" says so.
    classes = np.asarray(get_label_classes(scope, classifier).tolist())
    if classes.dtype.kind == "f":
        whole = classes.astype(np.int64)
        if (whole != classes).any():
            raise ValueError(f"labels must be whole numbers or texts in ONNX, got {classes}")
        return whole
    return classes


def _transformer_shapes(operator):
    _check_is_default(operator.raw_operator.estimator_)
    n_units = operator.raw_operator._n_features_out
    operator.outputs[0].set_type(numbers_type(operator)([n_rows(operator), n_units]))


def _convert_transformer(scope, operator, container):
    graph = Graph(scope, operator, container)
    before, X = hidden_ticket(operator.raw_operator.estimator_.ticket_), graph.X()
    output = operator.outputs[0].full_name
    if before is None:
        graph.node("Identity", [X], output)
    else:
        graph.node("Relu", [graph.outputs_of(before, X)], output)


def _selector_shapes(operator):
    n_features = int(operator.raw_operator.support_.sum())
    operator.outputs[0].set_type(numbers_type(operator)([n_rows(operator), n_features]))


def _convert_selector(scope, operator, container):
    graph = Graph(scope, operator, container)
    kept = np.flatnonzero(operator.raw_operator.support_)
    graph.columns(graph.X(), kept, operator.outputs[0].full_name)


def register_converters():
    """Tell skl2onnx how the estimators and transformers of this package become ONNX graphs."""
    classifier_options = {
        "zipmap": [True, False, "columns"],
        "output_class_labels": [False, True],
        "nocl": [True, False],
    }
    for kind, shapes, convert, options in (
        (WinningTicketClassifier, _classifier_shapes, _convert_classifier, classifier_options),
        (WinningTicketRegressor, _regressor_shapes, _convert_regressor, None),
        (TicketTransformer, _transformer_shapes, _convert_transformer, None),
        (TicketSelector, _selector_shapes, _convert_selector, None),
    ):
        update_registered_converter(
            kind, f"Skticket{kind.__name__}", shapes, convert, options=options
        )
    with suppress(ImportError):  # not everybody has tables
        from skrub import TableVectorizer

        update_registered_converter(
            TableVectorizer, "SkticketTableVectorizer", table_shapes, convert_table
        )


def graph_of(model):
    """Return the ONNX graph of a Pipeline whose inputs are numbers, or the columns of a table.

    Parameters
    ----------
    model : estimator
        Fitted. Where its first step is skrub's `TableVectorizer`, the graph has an input for each
        column that is used, or, if there is one of which no graph is made, begins after that
        step.

    Returns
    -------
    graph : onnx.ModelProto
        A classifier's gives labels and probabilities, as arrays.
    inputs : list of (str, type of skl2onnx)
        Names and types of the inputs.
    note : str or None
        Which column the graph cannot begin with.

    Raises
    ------
    ValueError
        If skl2onnx makes no graph of a step, or needs rows to tell the types of the inputs.
    """
    note, first = None, model
    if isinstance(model, Pipeline):
        model = Pipeline([(name, step) for name, step in model.steps if step != "passthrough"])
        first = model[0]
    if type(first).__name__ == "TableVectorizer":
        try:
            inputs = table_inputs(first)
        except NotImplementedError as error:
            note, model = str(error), model[1:]
            inputs = [("X", FloatTensorType([None, len(first.all_outputs_)]))]
    elif isinstance(first, ColumnTransformer) or not hasattr(first, "n_features_in_"):
        raise ValueError(
            f"{type(first).__name__} takes what a file does not tell the types of; "
            "skl2onnx.to_onnx(model, rows) makes the graph"
        )
    else:
        inputs = [("X", FloatTensorType([None, first.n_features_in_]))]
    options = {"zipmap": False} if is_classifier(model) else None
    try:
        return to_onnx(model, initial_types=inputs, options=options), inputs, note
    except RuntimeError as error:
        raise ValueError(f"no ONNX graph is made of this model: {error}") from error
