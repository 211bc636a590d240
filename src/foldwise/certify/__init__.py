"""A certificate for a fit: every reported number held against the equation it is supposed to solve.

Computed from the counts and the reported estimates alone, in plain NumPy that shares nothing with the kernels. R's
searches end when a step gains little, not at the optimum, so each check has a limit (``LIMITS``, and why):

- Sums, medians, tests, adjusted p-values, Cook's distances, standard errors: rounding only.
- ``score``: Newton step left in standard errors. The iteration stops when the deviance changes by less than 1e-8 of
  itself; largest seen in a hundred data sets 5e-3. ``slow_score``: an iteration of 25 rounds or more oscillates, and
  may meet equal deviances on both sides of the optimum (0.16 seen); the general optimiser stops at 2e-9 of its
  objective (0.08 seen).
- ``gene_wise_excess``, ``dispersion_excess``: log-likelihood left to gain beyond what the search's rules allow: a slope
  of 0.2 at an inner point, a grid's spacing, the lower bound, a start kept for want of a gain of 1e-6 of the
  log-likelihood. ``..._slope`` and ``..._at`` say the slope and which of these it was.
- ``mode``: apeglm's search stops when its objective changes by 1e-7 of itself: up to 0.14 posterior SD from the mode.
- ``failed`` names what is over its limit; ``attrs["whole"]`` has size factors, trend, prior variance, mixture weights
  and prior scale, which are right or wrong for all genes at once; what is not checked is named in the summary.
"""

from foldwise.certify.table import LIMITS, certify

__all__ = ["LIMITS", "certify"]
