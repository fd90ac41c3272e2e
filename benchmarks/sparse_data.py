"""Sparse data, made here: texts as TF-IDF, and a table of categories."""

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import OneHotEncoder

N_TOPICS = 5


def texts(n_rows=20_000, n_words=20_000, n_tokens=120):
    """Return TF-IDF of texts, and their topics.

    The k-th most frequent word is as frequent as 1 / k (Zipf's law). Each topic has words of its
    own, a fiftieth of all, which are four times as frequent in its texts.
    """
    rng = np.random.default_rng(0)
    frequency = 1 / np.arange(1, n_words + 1)
    own = rng.integers(50 * N_TOPICS, size=n_words)
    topics = rng.integers(N_TOPICS, size=n_rows)
    lengths = rng.poisson(n_tokens, size=n_rows)
    words = np.empty(lengths.sum(), np.int64)
    of_token = np.repeat(topics, lengths)
    for topic in range(N_TOPICS):
        share = frequency * np.where(own == topic, 4, 1)
        mine = of_token == topic
        words[mine] = rng.choice(n_words, size=mine.sum(), p=share / share.sum())
    rows = np.repeat(np.arange(n_rows), lengths)
    counts = sparse.coo_array((np.ones(len(words), np.float32), (rows, words)), (n_rows, n_words))
    return TfidfTransformer().fit_transform(counts.tocsr()).astype(np.float32), topics


def categories(n_rows=20_000, n_columns=20, n_levels=50):
    """Return one-hot columns of categories, and which of two classes their levels add up to."""
    rng = np.random.default_rng(0)
    levels = rng.integers(n_levels, size=(n_rows, n_columns))
    effects = rng.normal(size=(n_columns, n_levels))
    y = effects[np.arange(n_columns), levels].sum(axis=1) + rng.normal(size=n_rows) > 0
    known = [np.arange(n_levels)] * n_columns
    X = OneHotEncoder(categories=known, dtype=np.float32).fit_transform(levels)
    return X, y.astype(int)
