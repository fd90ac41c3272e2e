"""
Which pixels survive
====================

Each image is a digit of 8 × 8 pixels somewhere in a field of 16 × 16 that is otherwise noise,
always at the same place. Nobody tells the network where. Where the ticket keeps its connections
shows that it found out.
"""

import matplotlib.pyplot as plt
import numpy as np

from skticket import WinningTicketClassifier
from skticket.datasets import load_digits
from skticket.inspection import InputMaskDisplay

digits, labels = load_digits(return_X_y=True)
images = np.random.default_rng(0).uniform(0, 1, (len(digits), 16, 16))
images[:, 2:10, 6:14] = digits.reshape(-1, 8, 8)

figure, axes = plt.subplots(1, 6, figsize=(9, 1.8), layout="constrained")
for ax, image, label in zip(axes, images, labels):
    ax.imshow(image, cmap="gray_r")
    ax.set_title(label)
    ax.set_axis_off()

# %%
# A network of 100 and 50 units, and ten rounds.
X, X_test = np.split(images.reshape(-1, 256), [1200])
y, y_test = np.split(labels, [1200])
clf = WinningTicketClassifier((100, 50), rounds=10, random_state=0).fit(X, y)
for density, predicted in zip(clf.round_results_["density"], clf.staged_predict(X_test)):
    print(f"{density:7.1%} of the weights: accuracy {np.mean(predicted == y_test):.3f}")

# %%
# Connections that each pixel keeps, at four sizes. What is left lies where the digits are.
display = InputMaskDisplay.from_estimator(clf, rounds=[1, 4, 7, 10])
plt.show()

# %%
# The share of each pixel among the surviving absolute weights, summed up: on a quarter of the
# pixels lies
importances = clf.feature_importances_.reshape(16, 16)
print(f"{importances[2:10, 6:14].sum():.0%} of what is left of the first layer.")

# sphinx_gallery_thumbnail_number = 2
