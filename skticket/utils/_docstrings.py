"""Parts of docstrings that several classes share."""


def substitute(**texts):
    """Return a class decorator that replaces %(name)s in the docstring by a text."""

    def decorate(cls):
        for name, text in texts.items():
            cls.__doc__ = cls.__doc__.replace(f"%({name})s", text.strip())
        return cls

    return decorate
