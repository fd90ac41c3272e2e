"""Compiles the sparse step, so that no first training waits for it: python docs/compile.py."""

from scipy.sparse import csr_array

from skticket import WinningTicketClassifier
from skticket.datasets import load_digits


def main():
    """Train and predict in the sparse layout, from an array and from a sparse matrix."""
    X, y = load_digits(return_X_y=True)
    X = X.astype("float32")
    clf = WinningTicketClassifier(10, rounds=1, layout="sparse", random_state=0)
    for rows in (X, csr_array(X)):
        clf.fit(rows, y).sparsify().predict(rows)


if __name__ == "__main__":
    main()
