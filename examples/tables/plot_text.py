"""
Text: which words a ticket keeps
================================

Sentences of the documentation of five libraries, as it comes with them: which library is a
sentence about? ``TfidfVectorizer`` makes a sparse matrix of thousands of columns, which the
estimator takes as it is.
"""

import inspect
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas
import scipy.stats
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skticket import WinningTicketClassifier
from skticket.ticket import reaching_units

MODULES = {
    "matplotlib": [matplotlib.axes.Axes, matplotlib.figure.Figure],
    "numpy": [np, np.linalg, np.random],
    "pandas": [pandas, pandas.DataFrame],
    "scipy": [scipy.stats],
    "torch": [torch, torch.nn],
}


def sentences_of(modules):
    """Return sentences of what modules say of their parts, without code."""
    found = set()
    for module in modules:
        for name, part in vars(module).items():
            text = "" if name[0] == "_" else inspect.getdoc(part) or ""
            text = re.sub(r"(>>>|\.\.\. |::).*|[`*:]\S*", " ", text)
            for sentence in re.split(r"\.\s|\n\s*\n", text):
                words = re.findall("[a-z]{3,}", sentence.lower())
                if 8 <= len(words) <= 40:
                    found.add(" ".join(words))
    return sorted(found)[:: max(1, len(found) // 1500)]


texts = {library: sentences_of(modules) for library, modules in MODULES.items()}
X = np.array([sentence for sentences in texts.values() for sentence in sentences])
y = np.repeat(list(texts), [len(sentences) for sentences in texts.values()])
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
print(f"{len(X):,} sentences, such as: {X[1000]}")

# %%
# The names of the libraries would tell too much.
words = TfidfVectorizer(stop_words=list(texts), min_df=3, sublinear_tf=True, dtype=np.float32)
clf = WinningTicketClassifier(50, prune_rate=0.4, rounds=8, max_epochs=10, random_state=0)
model = make_pipeline(words, clf).fit(X_train, y_train)
model

# %%
rows = words.transform(X_test)
for ticket, predicted in zip(clf.tickets_, clf.staged_predict(rows)):
    (needed, *_) = reaching_units(list(ticket.mask.values()))
    print(
        f"{ticket.density:6.1%} of the weights, {needed.sum():5,} of {rows.shape[1]:,} words: "
        f"accuracy {np.mean(predicted == y_test):.3f}"
    )

# %%
# The words that speak most for each library, by what the last ticket says of a sentence of one
# word.
vocabulary = words.get_feature_names_out()
chances = clf.predict_proba(words.transform(vocabulary))
figure, axes = plt.subplots(1, 5, figsize=(10, 3.6), sharex=True, layout="constrained")
for ax, library, chance in zip(axes, clf.classes_, chances.T):
    best = np.argsort(chance)[-12:]
    ax.barh(vocabulary[best], chance[best], color="#0072B2")
    ax.set(title=library, xlabel="probability", xlim=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
