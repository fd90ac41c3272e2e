"""Makes images/displays.png: python docs/displays.py (SKTICKET_DATA names MNIST's folder)."""

from pathlib import Path

from matplotlib.figure import Figure

from skticket import WinningTicketClassifier
from skticket.datasets import fetch_mnist, split_images
from skticket.inspection import InitialWeightsDisplay, InputMaskDisplay, save_figure
from skticket.utils import replacing


def main():
    """Find a ticket of MNIST as `skticket find mnist --rounds 12` does, and draw it."""
    X, _, y, _ = split_images(fetch_mnist())
    clf = WinningTicketClassifier(
        rounds=12,
        learning_rate=1.2e-3,
        alpha=0,
        batch_size=60,
        max_epochs=4,
        n_iter_no_change=None,
        evaluate_every=100,
        validation_fraction=1 / 12,
        random_state=0,
    ).fit(X, y)
    with replacing(Path(__file__).parent / "images" / "displays.png") as temporary:
        save_figure(draw(clf), temporary)


def draw(clf):
    """Draw initial weights above, and inputs below."""
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.15, 1))
    InitialWeightsDisplay.from_estimator(clf, rounds=[0, 3, 6, 9, 12], ax=above.subplots(1, 3))
    InputMaskDisplay.from_estimator(clf, rounds=[3, 6, 9, 12], ax=below.subplots(1, 4))
    return figure


if __name__ == "__main__":
    main()
