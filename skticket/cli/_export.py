"""`skticket export`."""

from pathlib import Path
from typing import Annotated

import typer

from ..utils import printable, replacing
from ._errors import one_line_errors
from ._output import make_console, make_table

_TYPES = {"FloatTensorType": "float32", "StringTensorType": "string", "Int64TensorType": "int64"}
_NOTES = {
    "float32": "a number; NaN where it is missing",
    "string": 'a category or text; "" where it is missing',
    "int64": "a date: seconds since 1970 in UTC; -2^63 where it is missing",
}


def export(
    model: Annotated[Path, typer.Argument(help="A model saved by find: model.skops.")],
    file: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
) -> None:
    """Write a saved model as an ONNX graph, for onnxruntime, without what the ticket cut off."""
    with one_line_errors():
        _export(model, file)


def _export(path, file):
    from ..export import graph_of
    from ..persistence import load_model

    console = make_console()
    graph, inputs, note = graph_of(load_model(path))
    with replacing(file) as temporary:
        temporary.write_bytes(graph.SerializeToString())
    rows = []
    for name, kind in inputs:
        kind, (_, width) = _TYPES[type(kind).__name__], kind.shape
        rows.append((name, f"{kind}, {width} a row", _NOTES[kind] if width == 1 else "numbers"))
    console.print(make_table(("input", "type", "holds"), rows, text=("input", "type", "holds")))
    outputs = " and ".join(output.name for output in graph.graph.output)
    if note:
        console.print(
            printable(
                f"The graph begins after the preparation of the table, and takes what model[0]."
                f"transform makes of it: {note}."
            ),
            soft_wrap=True,
        )
    console.print(
        f"Written to {printable(str(file))}: {file.stat().st_size:,} bytes; it gives {outputs}.",
        soft_wrap=True,
    )
