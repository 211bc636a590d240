"""The negative binomial log-likelihood in lanes: for the dispersion, for the means, and its constants.

With r = 1 / alpha, u = 1 + alpha mu and x = y + r, Stirling's series gives, for r >= 8,

    lnG(y + r) - lnG(r) - y ln(mu + r) - r ln u  =  (y + r) ln(x / (r u)) - ln(x / r) / 2 - y + c(x) - c(r),

in which nothing cancels, however large r. For r < 8 the same holds about R0 = r + 8 with y replaced by
yk = max(y - 8, 0) where it stands alone, plus the sum of ln(1 + alpha k) over k = 1..min(y, 8) - 1, which is taken
once for all samples from the number of samples with y > k, and yk ln h, h = 1 + 8 alpha.
"""

from __future__ import annotations

from foldwise.kernels.lanes import Vector, formula, square_root
from foldwise.kernels.special import LOG2_E, digamma_rest, exp, log, log1p, log_gamma_rest, log_ratio

SHIFT = 8.0
SHIFT_STEPS = 8


@formula
def at_log_dispersion(log_alpha: Vector) -> tuple[Vector, ...]:
    """alpha, r, shift, h, R0, 1 / R0."""
    return _at_dispersion(exp(log_alpha))


def _at_dispersion(alpha: Vector) -> tuple[Vector, ...]:
    r = 1.0 / alpha
    small = r < SHIFT
    shift = r.lift(SHIFT).where(small, 0.0)
    h = (1.0 + SHIFT * alpha).where(small, 1.0)
    base = r + shift
    return alpha, r, shift, h, base, 1.0 / base


@formula
def dispersion_terms(
    y: Vector, mu: Vector, alpha: Vector, r: Vector, shift: Vector, h: Vector, base: Vector, base_inverse: Vector
) -> tuple[Vector, ...]:
    """A sample's part of the log-likelihood and of its slope in log alpha, the ratio x / R0, and mu / u.

    The parts lack -ln(x / R0) / 2, whose logarithm is taken once for several samples.
    """
    u = 1.0 + alpha * mu
    yk = (y - shift).at_least(0.0)
    x = base + yk
    both = 1.0 / (u * x)
    u_inverse, x_inverse = both * x, both * u
    scale = u_inverse * base_inverse
    log_part = log_ratio(x * scale, (yk - mu * h) * scale)
    value = (y + r) * log_part + log_gamma_rest(x_inverse)
    slope = (y - mu) * u_inverse - r * (log_part - digamma_rest(x_inverse))
    return value, slope, x * base_inverse, mu * u_inverse


@formula
def small_count_terms(k: Vector, larger: Vector, alpha: Vector, shift: Vector) -> tuple[Vector, ...]:
    """What counts above k add where r < 8: larger ln(1 + alpha k), and minus the slope larger / (1 + alpha k)."""
    small = shift > 0.0
    step = 1.0 + alpha * k
    zero = k.lift(0.0)
    return (larger * log_ratio(step, alpha * k)).where(small, zero), (larger / step).where(small, zero)


@formula
def likelihood_rest(
    samples: Vector, shifted: Vector, excess: Vector, r: Vector, shift: Vector, h: Vector, base_inverse: Vector
) -> tuple[Vector, ...]:
    """What all samples together add: -c(R0), yk (ln h - 1) + y; and the slope's -(ln - digamma)(R0).

    samples : sum of weights. shifted : sum of yk, excess : of y - yk, both for a shift of 8.
    """
    correction = (excess + shifted * log_ratio(h, h - 1.0)).where(shift > 0.0, 0.0)
    value = correction - samples * log_gamma_rest(base_inverse)
    return value, 0.0 - samples * r * digamma_rest(base_inverse)


@formula
def logarithm(x: Vector) -> Vector:
    return log(x)


@formula
def exponential(x: Vector) -> Vector:
    return exp(x)


@formula
def prior_terms(log_alpha: Vector, prior_mean: Vector, precision: Vector) -> tuple[Vector, ...]:
    away = log_alpha - prior_mean
    return 0.5 * away * away * precision, away * precision


@formula
def masked(value: Vector, weight: Vector, threshold: Vector) -> Vector:
    """The value where the weight is above the threshold, else 0."""
    return value.where(weight > threshold, 0.0)


@formula
def at_dispersion(alpha: Vector) -> tuple[Vector, ...]:
    return _at_dispersion(alpha)


@formula
def constant_terms(
    y: Vector, alpha: Vector, r: Vector, shift: Vector, base: Vector, base_inverse: Vector
) -> tuple[Vector, ...]:
    """A sample's part of lnG(y + r) - lnG(r) + y ln alpha - lnG(max(y, 8) + 1), and of the saturated fit's
    y ln y - (y + r) ln(1 + alpha y)."""
    yk = (y - shift).at_least(0.0)
    x = base + yk
    log_part = log_ratio(x * base_inverse, yk * base_inverse)
    gamma = (y + r - 0.5) * log_part + log_gamma_rest(1.0 / x)
    above = y.at_least(SHIFT) + 1.0
    log_above = log(above)
    factorial = (above - 0.5) * log_above - above + log_gamma_rest(1.0 / above)
    at = y.at_least(1.0)
    saturated = y * log(at) - (y + r) * log1p(alpha * y)
    return gamma, factorial, saturated


@formula
def mean_terms(
    y: Vector,
    factor: Vector,
    log_factor: Vector,
    eta: Vector,
    mu_scale: Vector,
    alpha: Vector,
    r: Vector,
    min_mu: Vector,
    log_min_mu: Vector,
) -> tuple[Vector, ...]:
    """For the GLM: weight mu / u, gradient of the working response, and the log-likelihood without constants.

    The mean is floored; where it is, the working response is that of the floor.
    """
    mu = factor * mu_scale
    low = mu < min_mu
    log_mu = log_factor + eta
    lift = (log_min_mu - log_mu).where(low, 0.0)
    mu = min_mu.where(low, mu)
    am = alpha * mu
    u = 1.0 + am
    u_inverse = 1.0 / u
    weight = mu * u_inverse
    gradient = (y - mu) * u_inverse + weight * lift
    value = y * (log_mu + lift) - (y + r) * log_ratio(u, am)
    return weight, gradient, value


@formula
def fit_terms(
    y: Vector, factor: Vector, mu_scale: Vector, alpha: Vector, r: Vector, min_mu: Vector, floor_likelihood: Vector
) -> tuple[Vector, ...]:
    """A sample's mean, weight mu / u at the floored mean, and log-likelihood less that of a mean equal to the count.

    Its two logarithms are of ratios near 1 where the mean is near the count: differences of log-likelihoods keep
    their digits however large the counts.
    """
    free = factor * mu_scale
    floored = min_mu.where(free < min_mu, free)
    weight = floored / (1.0 + alpha * floored)
    mu = floored.where(floor_likelihood > 0.0, free)
    u = 1.0 + alpha * mu
    at_count = 1.0 + alpha * y
    away = mu - y
    some = y.at_least(1.0) * u
    value = y * log_ratio(mu * (1.0 + alpha * y.at_least(1.0)) / some, (mu - y.at_least(1.0)) / some)
    return free, weight, value - r * log_ratio(u / at_count, alpha * away / at_count)


@formula
def log2_error(variance: Vector) -> Vector:
    return LOG2_E * square_root(variance)


@formula
def cooks_term(y: Vector, mu: Vector, hat: Vector, robust: Vector, p: Vector) -> Vector:
    away, rest = y - mu, 1.0 - hat
    return away * away / (mu + robust * mu * mu) * hat / (rest * rest) / p
