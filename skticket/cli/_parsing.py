"""Options that are numbers, written as text."""


def number_or_name(text):
    """Return a whole number, any other number, or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def picture_formats(text):
    """Return the formats of pictures that a text names, with commas between them."""
    from ..inspection import FORMATS

    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise ValueError(f"--format must be of {', '.join(FORMATS)}; got {', '.join(unknown)!r}")
    return tuple(dict.fromkeys(names))


def whole_numbers(text, option):
    """Return the whole numbers of a text with commas between them."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"{option} must be whole numbers with commas between, such as 10,8,6,4,2; got {text!r}"
        ) from None
