"""Choose among tickets: scorers, a rule for `refit`, and a test of a ticket against controls."""

from ._controls import fit_controls
from ._fitted import ticket_estimator
from ._refit import smallest_within_one_standard_error
from ._scorers import neg_density, neg_iterations_to_match, neg_n_weights, ticket_scoring
from ._ticket_test import ticket_test_score

__all__ = [
    "fit_controls",
    "neg_density",
    "neg_iterations_to_match",
    "neg_n_weights",
    "smallest_within_one_standard_error",
    "ticket_estimator",
    "ticket_scoring",
    "ticket_test_score",
]
