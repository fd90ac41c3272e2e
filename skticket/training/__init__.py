"""One ticket trained by skorch: a pure function of ticket, data, settings and seed."""

from ._gradients import Gradients
from ._train import train
from ._trained import Trained, still_falls

__all__ = ["Gradients", "Trained", "still_falls", "train"]
