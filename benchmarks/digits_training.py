"""Training networks of the digits, beside `MLPClassifier`.

    python benchmarks/digits_training.py [--help]

`WinningTicketClassifier(rounds=0)` beside `MLPClassifier` of the same layers, optimizer, learning
rate, batches and epochs. The estimator holds a tenth of the rows out and evaluates after each
epoch, as `MLPClassifier` does with `early_stopping`; without it, it is given the other rows alone,
and evaluates nothing. And a search of seven rounds by the defaults, beside seven fits of
`MLPClassifier` with these batches and as many epochs as each round had.
"""

from baselines import fit_sklearn
from harness import OURS, Case, Claim, Contender, all_threads, main
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skticket import WinningTicketClassifier
from skticket.datasets import load_digits
from skticket.network import n_batch_rows

EVALUATED, BARE = "MLPClassifier, evaluated", "MLPClassifier, not evaluated"
SEVEN = "MLPClassifier, seven fits"
# No slower than any.
WANTED = 1
# For 30 epochs of Adam, as both would have it.
OPTIONS = {"batch_size": 60, "learning_rate": 1.2e-3, "alpha": 0, "n_iter_no_change": None}


def cases(settings):
    """Yield the case of one training, and that of a search."""
    X, y = load_digits(return_X_y=True)
    n_rows = settings.choose(len(X), 200)
    X, y = X[:n_rows], y[:n_rows]
    kept, _, y_kept, _ = train_test_split(X, y, test_size=0.1, stratify=y, random_state=0)
    options = {"max_epochs": 1} if settings.tiny else {}
    epochs = WinningTicketClassifier(**options).max_epochs
    contenders = []
    for threads in all_threads():
        variant = f"threads: {threads}"
        contenders += [
            Contender(EVALUATED, lambda: sklearn(X, y, epochs, True), variant, threads=threads),
            Contender(BARE, lambda: sklearn(kept, y_kept, epochs, False), variant, threads=threads),
        ]
    clf = WinningTicketClassifier(rounds=0, random_state=0, **OPTIONS, **options)
    contenders.append(Contender(OURS, lambda: clf.fit(X, y)))
    claims = [Claim((EVALUATED,), WANTED), Claim((BARE,), WANTED)]
    yield Case(f"{epochs} epochs", contenders, claims)

    search = WinningTicketClassifier(rounds=7, random_state=0, **options).fit(X, y)
    n_epochs = [len(history) for history in search.histories_[1:]]
    contenders = [
        Contender(SEVEN, lambda: seven(X, y, n_epochs), f"threads: {threads}", threads=threads)
        for threads in all_threads()
    ]
    contenders.append(Contender(OURS, lambda: search.fit(X, y)))
    yield Case("seven rounds by the defaults", contenders, [Claim((SEVEN,), WANTED)])


def seven(X, y, n_epochs):
    """Fit scikit-learn's network once a round."""
    for epochs in n_epochs:
        clf = MLPClassifier(
            (300, 100),
            batch_size=n_batch_rows("auto", round(0.9 * len(X))),
            learning_rate_init=3e-3,
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            early_stopping=True,
            random_state=0,
        )
        fit_sklearn(clf, X, y)


def sklearn(X, y, epochs, evaluated):
    """Fit scikit-learn's network, to the last epoch."""
    clf = MLPClassifier(
        (300, 100),
        batch_size=60,
        learning_rate_init=1.2e-3,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        early_stopping=evaluated,
        validation_fraction=0.1,
        random_state=0,
    )
    return fit_sklearn(clf, X, y)


if __name__ == "__main__":
    main("digits_training", cases, __doc__)
