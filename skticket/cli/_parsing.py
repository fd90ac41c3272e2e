"""Options: what may be chosen, and numbers and lists written as text."""

import typer

# In the order of the help and of error messages. What the package itself knows of them is
# imported too late for a --help.
SCHEDULES = ("iterative", "one-shot", "evolving")
TASKS = ("auto", "classification", "regression")
STRATEGIES = (
    "magnitude",
    "random",
    "initial_magnitude",
    "magnitude_increase",
    "large_init_large_final",
    "movement",
    "snip",
    "grasp",
    "synflow",
    "unit_input",
    "unit_output",
    "unit_product",
)
SELECTIONS = ("winning", "best", "last")
REWINDS = ("init", "none", "signs", "reinit", "rearrange", "random_signs")
FORMATS = ("png", "svg", "pdf")
PRESETS = ("v1", "fast", "quick", "smoke")
EXPERIMENTS = (
    "all",
    "one-shot",
    "one-shot-controls",
    "iterative",
    "iterative-controls",
    "initializations",
    "architecture",
    "initialization-scale",
    "network-size",
    "pruning-rate",
    "resetting",
)
STUDY_PRESETS = ("full", "quick", "smoke")
STUDIES = (
    "all",
    "list",
    "equal-cost",
    "stability",
    "rounds-connectivity",
    "supermasks",
    "sanity-checks",
    "early-mask",
    "transfer",
    "features",
)
XOR_STRATEGIES = ("one-shot product", "input", "output", "product")


def choice(names, help):
    """Return an option whose help lists what may be chosen."""
    return typer.Option(help=help, metavar=f"[{'|'.join(names)}]")


def one_of(option, text, names, otherwise=""):
    """Return a text that is one of some names, or say what they are."""
    if text not in names:
        raise ValueError(f"{option} must be one of {', '.join(names)}{otherwise}; got {text!r}")
    return text


def names_of(text):
    """Return the names of a text with commas between them; a comma in quotes belongs to a name."""
    import csv

    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), ()))


def number(option, text):
    """Return a whole number or any other number."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    raise ValueError(f"{option} must be a number; got {text!r}")


def number_or_one_of(option, text, names):
    """Return a whole number, or one of some names."""
    if text.removeprefix("-").isdecimal():
        return int(text)
    return one_of(option, text, names, " or a whole number")


def several_of(option, text, names):
    """Return those of some names that a text has, with commas between them."""
    chosen = [one_of(option, name.strip(), names) for name in text.split(",")]
    return tuple(dict.fromkeys(chosen))


def whole_numbers(text, option):
    """Return the whole numbers of a text with commas between them."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"{option} must be whole numbers with commas between, such as 10,8,6,4,2; got {text!r}"
        ) from None
