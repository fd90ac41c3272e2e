"""
From a table of all sorts to a model that another process runs
==============================================================

Deliveries have a day, a weather and a distance, some of them missing. skrub's ``TableVectorizer``
makes numbers of them, the ticket learns, a file keeps both, and an ONNX graph predicts without any
of the libraries that trained it.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skrub import DatetimeEncoder, TableVectorizer

from skticket import WinningTicketClassifier
from skticket.export import graph_of
from skticket.persistence import save_model

# %%
# A made-up table. What is delivered in snow comes late, and so does what goes far at a weekend.
rng = np.random.default_rng(0)
n_rows = 4000
X = pd.DataFrame(
    {
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366, n_rows), "D"),
        "weather": rng.choice(["dry", "rain", "snow", None], n_rows),
        "distance": np.where(rng.random(n_rows) < 0.03, np.nan, rng.gamma(2, 4, n_rows)),
    }
)
weekend = X["day"].dt.day_of_week > 4
late = np.where((X["weather"] == "snow") | weekend & (X["distance"] > 8), "late", "in time")
X_train, X_test, y_train, y_test = train_test_split(X, late, stratify=late, random_state=0)
X_train.head()

# %%
# One Pipeline, from the table to the classes.
model = make_pipeline(
    TableVectorizer(datetime=DatetimeEncoder(add_weekday=True)),
    SimpleImputer(strategy="median"),
    StandardScaler(),
    WinningTicketClassifier((100, 50), rounds=8, random_state=0),
).fit(X_train, y_train)
print(f"test accuracy {model.score(X_test, y_test):.3f}, {model[-1].ticket_}")

# %%
# A file of it runs no code when it is loaded. Another process reads the file, and a table, and
# predicts.
folder = TemporaryDirectory()
path = Path(folder.name)
save_model(model, path / "model.skops", scores={"test accuracy": model.score(X_test, y_test)})
X_test.to_parquet(path / "table.parquet")
program = """
import sys, pandas as pd
from skticket.persistence import load_model
model = load_model("model.skops")
print(pd.Series(model.predict(pd.read_parquet("table.parquet"))).value_counts().to_string())
"""
print(subprocess.check_output([sys.executable, "-c", program], cwd=path, text=True))

# %%
# The ONNX graph takes the columns as they are: a day as seconds since 1970, a category as a text.
graph, inputs, _ = graph_of(model)
(path / "model.onnx").write_bytes(graph.SerializeToString())
session = onnxruntime.InferenceSession(path / "model.onnx")


def chance_to_be_late(day, weather, distances):
    """Ask the graph about deliveries of one day, in one weather."""
    seconds = pd.Timestamp(day).value // 10**9
    columns = {
        "day": np.full((len(distances), 1), seconds, np.int64),
        "weather": np.full((len(distances), 1), weather, object),
        "distance": distances.astype("float32")[:, None],
    }
    _, probabilities = session.run(None, columns)
    return probabilities[:, list(model.classes_).index("late")]


# %%
# What the graph says of a Wednesday and a Sunday. The dotted line is where the table changes its
# mind.
distances = np.linspace(0, 20, 200)
colors = {"dry": "#E69F00", "rain": "#0072B2", "snow": "#000000"}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, day in zip(axes, ["2024-07-03", "2024-07-07"]):
    for weather, color in colors.items():
        ax.plot(distances, chance_to_be_late(day, weather, distances), color=color, label=weather)
    ax.axvline(8, color="0.6", linestyle=":")
    ax.set(title=f"{pd.Timestamp(day):%A}", xlabel="distance")
axes[0].set_ylabel("chance to be late")
axes[0].legend(frameon=False)
plt.show()

# %%
for name in ["model.skops", "model.onnx"]:
    print(f"{name}: {(path / name).stat().st_size / 1000:.0f} kB")
folder.cleanup()
