"""Texts as skrub's StringEncoder has them: weights of the pieces of their words, reduced."""

import numpy as np

# Stands for all that no vocabulary holds. Every text gets a word of it, so that none is empty.
_OTHER = "\x01"
# What separates words for Python.
_SPACE = (
    r"[\s\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}"
    r"\x{3000}]"
)


def can_be_encoded(encoder):
    """Tell whether a graph can do what a fitted StringEncoder does."""
    return (
        encoder.vectorizer == "tfidf"
        and encoder.analyzer == "char_wb"
        and encoder.stop_words is None
        # A space alone is in no vocabulary then, and no word too short for a piece.
        and 2 <= encoder.ngram_range[0] <= 3
    )


def encoded_text(graph, texts, encoder):
    """Add what a fitted StringEncoder does to a column of strings; return the result's name."""
    vectorizer = encoder.vectorizer_
    counts = _counted(graph, _characters(graph, texts, vectorizer), vectorizer)
    weights = graph.node("Mul", [counts, graph.constant(vectorizer.idf_)])
    lengths = graph.node("ReduceL2", [weights, graph.constant([1])], keepdims=1)
    # A text of which nothing is known has no length.
    lengths = graph.node("Max", [lengths, graph.constant(np.finfo(np.float32).tiny)])
    weights = graph.node("Div", [weights, lengths])
    return graph.node("MatMul", [weights, graph.constant(_reduction(encoder))])


def _reduction(encoder):
    """Return the matrix that makes columns of the weights of pieces."""
    if hasattr(encoder, "tsvd_"):
        matrix = encoder.tsvd_.components_.T
    else:
        matrix = np.eye(len(encoder.vectorizer_.idf_))[:, : encoder.n_components]
    return matrix / encoder.scaling_factor_


def _characters(graph, texts, vectorizer):
    """Add the characters of each text, a row a text, a space around each word."""

    def tokens(strings, separator):
        return graph.node(
            "Tokenizer",
            [strings],
            op_domain="com.microsoft",
            mark=0,
            mincharnum=1,
            pad_value=_OTHER,
            separators=[separator],
        )

    space = graph.constant([" "])
    flat = graph.node("Reshape", [texts, graph.constant([-1])])
    words = tokens(graph.node("StringConcat", [flat, graph.constant([f" {_OTHER}"])]), _SPACE)
    words = graph.node("StringConcat", [graph.node("StringConcat", [space, words]), space])
    characters = tokens(words, "")
    # Two spaces between words, which no piece of a word has.
    rows = graph.node("Reshape", [characters, graph.constant([0, -1])])
    return graph.node(
        "LabelEncoder",
        [rows],
        op_domain="ai.onnx.ml",
        op_version=2,
        default_string=_OTHER,
        **_lower_case(vectorizer),
    )


def _lower_case(vectorizer):
    """Return characters, and which of the vocabulary each stands for."""
    known = set("".join(vectorizer.vocabulary_))
    pairs = {character: character for character in known}
    if vectorizer.lowercase:
        every = map(chr, range(0x1_0000))
        pairs |= {c: c.lower() for c in every if c.lower() in known and c not in known}
    return {"keys_strings": [*pairs], "values_strings": [*pairs.values()]}


def _counted(graph, characters, vectorizer):
    """Add how often each piece is in a text."""
    shortest, longest = vectorizer.ngram_range
    pieces = sorted(vectorizer.vocabulary_, key=len)
    starts = [
        sum(len(piece) for piece in pieces if len(piece) < length)
        for length in range(1, longest + 1)
    ]
    return graph.node(
        "TfIdfVectorizer",
        [characters],
        mode="TF",
        min_gram_length=shortest,
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=starts,
        ngram_indexes=[int(vectorizer.vocabulary_[piece]) for piece in pieces],
        pool_strings=list("".join(pieces)),
    )
