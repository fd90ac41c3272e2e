"""Sparse inputs beside the same as an array, and beside `MLPClassifier` with both.

    python benchmarks/sparse_rows.py [--help]

20,000 texts as TF-IDF of 20,000 words, made by Zipf's law, of which a text has some 80; and
20,000 rows of 20 categories as 1,000 one-hot columns. Both train the full network alone for as many
passes, with the same batches, learning rate and share of rows held out; a search of seven rounds
has nothing to compare with but itself. What makes the array of the sparse matrix is not timed.
"""

from functools import partial

from baselines import fit_sklearn
from harness import OURS, Case, Claim, Contender, main
from sklearn.neural_network import MLPClassifier
from sparse_data import categories, texts

from skticket import WinningTicketClassifier

ARRAY, SKLEARN, SKLEARN_ARRAY = f"{OURS}, array", "MLPClassifier", "MLPClassifier, array"
EPOCHS, BATCH, LR = 3, 200, 1e-3
# Data, and hidden layers.
TABLES = {
    "TF-IDF of 20,000 words": (texts, (100,)),
    "1,000 one-hot columns": (categories, (300, 100)),
}
TINY = {texts: {"n_rows": 300, "n_words": 200}, categories: {"n_rows": 300, "n_levels": 5}}


def cases(settings):
    """Yield the cases of each table."""
    for name, (make, hidden) in TABLES.items():
        X, y = make(**settings.choose({}, TINY[make]))
        array, rounds = X.toarray(), settings.choose(7, 1)
        contenders = [
            Contender(SKLEARN, partial(sklearn, hidden, X, y)),
            Contender(SKLEARN_ARRAY, partial(sklearn, hidden, array, y)),
            Contender(ARRAY, partial(ours, hidden, 0, array, y)),
            Contender(OURS, partial(ours, hidden, 0, X, y)),
        ]
        claims = [Claim((SKLEARN,)), Claim((SKLEARN_ARRAY,)), Claim((ARRAY,))]
        yield Case(f"{name}: {EPOCHS} epochs of the full network", contenders, claims, unit="s")
        contenders = [
            Contender(ARRAY, partial(ours, hidden, rounds, array, y)),
            Contender(OURS, partial(ours, hidden, rounds, X, y)),
        ]
        case = f"{name}: a search of {rounds} rounds"
        yield Case(case, contenders, [Claim((ARRAY,))], unit="s", warm_up=0)
        network, ticket = sklearn(hidden, X, y), ours(hidden, rounds, X, y)
        contenders = [
            Contender(SKLEARN, partial(network.predict, X)),
            Contender(ARRAY, partial(ticket.predict, array)),
            Contender(OURS, partial(ticket.predict, X)),
        ]
        case = f"{name}: predicting, density {ticket.density_:.2f}"
        yield Case(case, contenders, [Claim((SKLEARN,)), Claim((ARRAY,))])


def ours(hidden, rounds, X, y):
    """Fit the estimator."""
    return WinningTicketClassifier(
        hidden,
        rounds=rounds,
        max_epochs=EPOCHS,
        batch_size=BATCH,
        learning_rate=LR,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X, y)


def sklearn(hidden, X, y):
    """Fit scikit-learn's network, with as many rows held out and evaluated after each epoch."""
    clf = MLPClassifier(
        hidden,
        max_iter=EPOCHS,
        batch_size=BATCH,
        learning_rate_init=LR,
        early_stopping=True,
        n_iter_no_change=EPOCHS + 1,
        random_state=0,
    )
    return fit_sklearn(clf, X, y)


if __name__ == "__main__":
    main("sparse_rows", cases, __doc__)
