"""How a gene's dispersion search goes on from a value: accept, halve, stop; or the next point of the grid.

R's search stops by design before the optimum, so its steps are part of its answer.
"""

from __future__ import annotations

import numpy as np

from foldwise.kernels.lanes import Mask, Vector, formula

LOWEST, HIGHEST = -30.0, 10.0  # of the log dispersion; steps are cut there
STOP_BELOW = float(np.log(1e-9))  # a tenth of the smallest dispersion
SEARCH_TOLERANCE = 1e-6
SUFFICIENT_GAIN = 1e-4
GROWTH = 1.1
HALVED_EVERY = 5.0  # accepted steps
MAX_STEPS = 100.0
GRID_POINTS = 20


@formula
def take_step(
    new_value: Vector, new_slope: Vector, proposal: Vector, step: Vector, at: Vector, value: Vector, first: Vector,
    slope: Vector, kappa: Vector, accepted: Vector, known: Vector,
) -> tuple[Vector, ...]:  # fmt: skip
    """Next step, done, at, value, first value, slope, kappa, accepted steps (modulo 5), proposal.

    Step 0 is the evaluation at the start. known : 0 where value and slope at the proposal are not: all stays as it is.
    """
    before = (step, step.lift(0.0), at, value, first, slope, kappa, accepted, proposal)
    fresh = step.equals(0.0)
    enough = (0.0 - new_value) <= (0.0 - value) - kappa * SUFFICIENT_GAIN * (slope * slope)
    moved = enough & ~fresh
    small = (new_value - value) < SEARCH_TOLERANCE
    outside = ~small & (proposal < STOP_BELOW)
    done = moved & (small | outside)
    goes_on = moved & ~done
    at = proposal.where(fresh | moved, at)
    first = new_value.where(fresh, first)
    value = new_value.where(fresh | (moved & ~outside), value)  # leaving through the bound, R does not store it
    slope = new_slope.where(fresh | goes_on, slope)
    accepted = accepted + moved.ones()
    fifth = accepted.equals(HALVED_EVERY)
    accepted = accepted.lift(0.0).where(fifth, accepted)
    grown = GROWTH * kappa
    grown = grown.where(grown < 1.0, 1.0)
    next_kappa = (0.5 * grown).where(fifth, grown).where(goes_on, 0.5 * kappa)
    kappa = next_kappa.lift(1.0).where(fresh, next_kappa)
    done = done | step.equals(MAX_STEPS)
    step = step.where(done, step + 1.0)
    kappa = _within_box(at, slope, kappa)
    after = (step, done.ones(), at, value, first, slope, kappa, accepted, at + kappa * slope)
    return tuple(new.where(known > 0.0, old) for new, old in zip(after, before, strict=True))


def _within_box(at: Vector, slope: Vector, kappa: Vector) -> Vector:
    below: Mask = (at + kappa * slope) < LOWEST
    kappa = ((LOWEST - at) / slope).where(below, kappa)
    above: Mask = (at + kappa * slope) > HIGHEST
    return ((HIGHEST - at) / slope).where(above, kappa)


@formula
def try_next_point(
    new_value: Vector, point: Vector, step: Vector, at: Vector, best: Vector, center: Vector, low: Vector,
    spacing: Vector,
) -> tuple[Vector, ...]:  # fmt: skip
    """Next step, done, best point, its value, center of the fine grid, next point."""
    n = float(GRID_POINTS)
    begins = step.equals(0.0) | step.equals(n)
    better = begins | (new_value > best)
    best = new_value.where(better, best)
    at = point.where(better, at)
    step = step + 1.0
    center = at.where(step.equals(n), center)
    fine = center - spacing + (step - n) * (2.0 / (n - 1.0) * spacing)
    proposal = (low + step * spacing).where(step < n, fine)
    return step, step.equals(2.0 * n).ones(), at, best, center, proposal
