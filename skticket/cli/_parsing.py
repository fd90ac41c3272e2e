"""Options that are numbers, written as text."""


def number_or_name(text):
    """Return a whole number, any other number, or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def whole_numbers(text, option):
    """Return the whole numbers of a text with commas between them."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"{option} must be whole numbers with commas between, such as 10,8,6,4,2; got {text!r}"
        ) from None
