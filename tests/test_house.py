"""The house: a room imports rooms below it alone, and those through their doors."""

import ast
import importlib
import textwrap
from pathlib import Path

import pytest

import skticket

ROOT = Path(skticket.__file__).parent
# From the top. Rooms of one floor do not know each other.
FLOORS = [
    {"__init__", "__main__"},
    {"cli"},
    {"experiments"},
    {"inspection", "export", "persistence"},
    {"transformers", "model_selection"},
    {"estimators"},
    {"search"},
    {"training"},
    {"engines"},
    {"network"},
    {"pruning", "rewinding"},
    {"ticket"},
    {"initialization", "datasets"},
    {"utils"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
LONGEST = 500
FILES = sorted(ROOT.rglob("*.py"))
OTHERS = {"joblib", "numba", "sklearn", "skorch", "torch"}
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
files = pytest.mark.parametrize("path", FILES, ids=NAMES)


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    """Yield (module, name) of all imports of a file, absolute; the name is None for a module."""
    package = ["skticket", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield module, alias.name


def rooms(path):
    """Yield (room, module, name) of all imports from within the house."""
    for module, name in imports(path):
        parts = module.split(".")
        if parts[0] != "skticket":
            continue
        if len(parts) > 1:
            yield parts[1], module, name
        elif name in FLOOR:
            yield name, f"skticket.{name}", None
        else:
            yield "__init__", module, name


@files
def test_imports_go_down(path):
    here = room_of(path)
    for room, module, name in rooms(path):
        if room == here:
            continue
        if room == "__init__":
            # The package's own version is no room.
            assert name == "__version__", f"{module}.{name}"
        assert room == "__init__" or FLOOR[room] > FLOOR[here], f"{here} imports {module}.{name}"


@files
def test_rooms_are_entered_by_their_doors(path):
    for room, module, name in rooms(path):
        if room in (room_of(path), "__init__"):
            continue
        assert not any(part.startswith("_") for part in module.split(".")), module
        assert name in (None, *importlib.import_module(module).__all__), f"{module}.{name}"


@files
def test_private_names_of_others_are_known_in_utils_alone(path):
    if room_of(path) == "utils":
        return
    for module, name in imports(path):
        parts = [*module.split("."), *([name] if name else [])]
        if parts[0] in OTHERS:
            assert not any(part.startswith("_") for part in parts[1:]), ".".join(parts)


def test_what_is_seen_at_the_top():
    found = {path.name for path in ROOT.iterdir()} - {"__pycache__"}
    top = {"__init__.py", "__main__.py", "ticket.py", "initialization.py", "rewinding.py"}
    top |= {"transformers.py", "cli", "datasets", "engines", "estimators", "experiments", "export"}
    top |= {"inspection", "model_selection", "network", "persistence", "pruning", "search"}
    top |= {"training", "utils"}
    assert found == top
    assert {name.removesuffix(".py") for name in top} == set(FLOOR)


@files
def test_rooms_are_made_of_private_files(path):
    inner = path.relative_to(ROOT).parts
    assert len(inner) == 1 or inner[-1].startswith("_")


@files
def test_no_file_is_long(path):
    if path != ROOT / "engines" / "_numba.py":
        n_lines = len(path.read_text("utf-8").splitlines())
        assert n_lines <= LONGEST


def texts_in_any_encoding(source):
    """Yield the calls that read or write text in whatever encoding the system has."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(k.arg == "encoding" for k in node.keywords):
            continue
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        if name in ("read_text", "write_text"):
            if len(node.args) == (name == "write_text"):
                yield ast.unparse(node)
        elif isinstance(node.func, ast.Name) and name == "open":
            if not any(isinstance(a, ast.Constant) and "b" in str(a.value) for a in node.args[1:]):
                yield ast.unparse(node)


@files
def test_text_has_an_encoding(path):
    assert not list(texts_in_any_encoding(path.read_text("utf-8")))


def test_the_walk_sees_texts():
    source = """
        open(a); open(a, "w"); open(a, "rb"); open(a, encoding="utf-8"); Laboratory.open("fast")
        a.read_text(); a.read_text("utf-8"); a.write_text(text); a.write_text(text, "utf-8")
    """
    expected = ["open(a)", "open(a, 'w')", "a.read_text()", "a.write_text(text)"]
    assert list(texts_in_any_encoding(textwrap.dedent(source))) == expected


@pytest.mark.parametrize("room", sorted(set(FLOOR) - {"__init__", "__main__"}))
def test_doors_lead_somewhere(room):
    module = importlib.import_module(f"skticket.{room}")
    assert all(hasattr(module, name) for name in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


def test_public_imports():
    assert skticket.__all__ == [
        "Grow",
        "Prune",
        "Rewind",
        "Ticket",
        "TicketSelector",
        "TicketTransformer",
        "WinningTicketClassifier",
        "WinningTicketRegressor",
    ]
    for name in skticket.__all__:
        assert getattr(skticket, name).__name__ == name
    for room in "pruning model_selection inspection datasets initialization experiments".split():
        assert importlib.import_module(f"skticket.{room}").__all__
    from skticket.cli import main

    assert callable(main)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("import torch._ops", [("torch._ops", None)]),
        ("def f():\n    from ..network import MLP", [("skticket.network", "MLP")]),
        ("from . import _numba", [("skticket.engines", "_numba")]),
        ("from .. import __version__", [("skticket", "__version__")]),
    ],
)
def test_the_walk_sees_imports(tmp_path, monkeypatch, source, expected):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "engines").mkdir()
    path = tmp_path / "engines" / "_file.py"
    path.write_text(source)
    assert list(imports(path)) == expected
