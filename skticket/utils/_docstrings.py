"""Parts of docstrings that several classes or functions share."""

import re
from inspect import cleandoc, signature
from textwrap import indent


def substitute(**texts):
    """Return a decorator that replaces %(name)s in a docstring, where a line begins, by a text."""

    def decorate(documented):
        for name, text in texts.items():
            # The text takes on the indentation of what it replaces.
            documented.__doc__ = re.sub(
                rf"^( *)%\({name}\)s",
                lambda found, text=text: indent(cleandoc(text), found[1]),
                documented.__doc__,
                flags=re.MULTILINE,
            )
        return documented

    return decorate


def document(*texts):
    """Return a decorator that writes what a function takes in place of %(parameters)s.

    The texts hold entries in numpydoc's form, of which the function's own parameters are chosen;
    the last counts of several entries for one name.
    """
    entries = {}
    for entry in (entry for text in texts for entry in re.split(r"\n(?=\S)", cleandoc(text))):
        for name in entry.splitlines()[0].partition(" : ")[0].split(", "):
            entries[name.lstrip("*")] = entry

    def decorate(function):
        names = [name for name in signature(function).parameters if name not in ("self", "cls")]
        chosen = dict.fromkeys(entries[name] for name in names)
        return substitute(parameters="\n".join(["Parameters\n----------", *chosen]))(function)

    return decorate
