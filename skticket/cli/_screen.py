"""Tables on the screen of what `skticket find` has read and found."""

from ._output import make_table

_MOST_COLUMNS, _MOST_CLASSES = 60, 20


def columns_table(columns):
    """Return the table of what was made of each column, from `describe_columns`."""
    rows = [
        (
            row.column,
            row.holds,
            f"{row.values:,}",
            f"{row.missing:,}" if row.missing else "",
            row.becomes,
            f"{row.columns:,}" if row.columns else "",
        )
        for row in columns[:_MOST_COLUMNS].itertuples()
    ]
    n_more = len(columns) - _MOST_COLUMNS
    caption = f"and {n_more:,} more; all of them are in columns.csv" if n_more > 0 else None
    titles = ("column", "holds", "values", "missing", "becomes", "columns")
    text = ("column", "holds", "becomes")
    return make_table(titles, rows, text=text, caption=caption)


def classes_table(counts):
    """Return the table of how many rows each class has."""
    rows = [
        (str(label), f"{count:,}", f"{100 * count / counts.sum():.3g}")
        for label, count in counts[:_MOST_CLASSES].items()
    ]
    n_more = len(counts) - _MOST_CLASSES
    caption = f"and {n_more:,} more classes" if n_more > 0 else None
    return make_table(("class", "rows", "%"), rows, text=("class",), caption=caption)


def rounds_table(evidence):
    """Return the table of a search's rounds."""
    # Names of two lines, so that all fit into the 80 columns of most terminals.
    columns = ("round", "% left", "weights", "to\nmatch", "early\nloss", "validation", "test")
    rows = [
        (
            str(row.round),
            f"{100 * row.density:.3g}",
            f"{row.n_weights:,}",
            _iterations(row.iterations_to_match),
            f"{row.early_loss:.4f}",
            f"{row.valid_score:.4f}",
            f"{row.test_score:.4f}",
            "" if row.density == 1 else "yes" if row.is_winning else "no",
        )
        for row in evidence.rounds.itertuples()
    ]
    own = evidence.valid_name if evidence.score_name != evidence.valid_name else "score"
    caption = (
        f"scores: {evidence.score_name}; to match: iterations until the full network's validation "
        f"{own}; early loss: mean validation loss until the full network converged"
    )
    last = "winning"
    return make_table((*columns, last), rows, text=(last,), caption=caption)


def controls_table(evidence):
    """Return the table of the controls of the kept round."""
    columns = ("control", "to\nmatch", "early\nloss", "validation", "test")
    rows = [
        (
            row.control,
            _iterations(row.iterations_to_match),
            f"{row.early_loss:.4f}",
            f"{row.valid_score:.4f}",
            f"{row.test_score:.4f}",
            "yes" if row.is_winning else "no",
        )
        for row in evidence.controls.itertuples()
    ]
    title, last = f"Controls of round {evidence.kept}", "would win"
    return make_table((*columns, last), rows, text=("control", last), title=title)


def _iterations(number):
    return "never" if number != number else f"{number:,.0f}"
