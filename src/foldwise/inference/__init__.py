"""From coefficients to answers: hypothesis tests, tails, one comparison of a fit."""

from foldwise.inference.tails import (
    chi_square_tail,
    threshold_test,
    two_sided,
)

__all__ = [
    "chi_square_tail",
    "threshold_test",
    "two_sided",
]
