import struct

import pytest
from matplotlib.figure import Figure

from skticket.inspection import FORMATS, save_figure


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_figure_gives_the_same_bytes(tmp_path, ending):
    paths = [tmp_path / f"{name}.{ending}" for name in ("first", "again")]
    for path in paths:
        figure = Figure(figsize=(2, 1))
        figure.subplots().plot([1, 2], label="a line")
        save_figure(figure, path)
    first, again = (path.read_bytes() for path in paths)
    assert first == again
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending])


def test_dots(tmp_path):
    save_figure(Figure(figsize=(2, 1)), tmp_path / "small.png")
    # The header's width and height.
    assert struct.unpack(">II", (tmp_path / "small.png").read_bytes()[16:24]) == (400, 200)
