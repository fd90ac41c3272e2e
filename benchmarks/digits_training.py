"""Training the default estimator's network on the digits, beside `MLPClassifier`.

    python benchmarks/digits_training.py [--help]

`WinningTicketClassifier(rounds=0)` beside `MLPClassifier` of the same layers, optimizer, learning
rate, batches and epochs. The estimator holds a tenth of the rows out and evaluates after each
epoch, as `MLPClassifier` does with `early_stopping`; without it, it is given the other rows alone,
and evaluates nothing.
"""

from baselines import fit_sklearn
from harness import OURS, Case, Claim, Contender, all_threads, main
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skticket import WinningTicketClassifier
from skticket.datasets import load_digits

EVALUATED, BARE = "MLPClassifier, evaluated", "MLPClassifier, not evaluated"
# No slower than either.
WANTED = 1


def cases(settings):
    """Yield the one case."""
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
    clf = WinningTicketClassifier(rounds=0, random_state=0, **options)
    contenders.append(Contender(OURS, lambda: clf.fit(X, y)))
    claims = [Claim((EVALUATED,), WANTED), Claim((BARE,), WANTED)]
    yield Case(f"{epochs} epochs", contenders, claims)


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
