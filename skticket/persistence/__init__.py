"""Fitted models in files that run no code when they are loaded.

A file holds arrays, numbers, texts, and what `TRUSTED` names: estimators of scikit-learn, of this
package, and of skrub's `TableVectorizer`. It is one of skops, which
`skops.io.load(path, trusted=TRUSTED)` loads as well. skops comes with the extra "models".
"""

from ._card import write_card
from ._model import about_model, load_model, save_model
from ._trusted import TRUSTED

__all__ = ["TRUSTED", "about_model", "load_model", "save_model", "write_card"]
