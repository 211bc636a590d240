"""The negative binomial log-likelihood in lanes: for the dispersion, for the means, and its constants.

With r = 1 / alpha, u = 1 + alpha mu and x = y + r, Stirling's series gives, for r >= 8,

    lnG(y + r) - lnG(r) - y ln(mu + r) - r ln u  =  (y + r) ln(x / (r u)) - ln(x / r) / 2 - y + c(x) - c(r),

in which nothing cancels, however large r. For r < 8 the same holds about R0 = r + 8 with y replaced by
yk = max(y - 8, 0) where it stands alone, plus the sum of ln(1 + alpha k) over k = 1..min(y, 8) - 1, which is taken
once for all samples from the number of samples with y > k, and yk ln h, h = 1 + 8 alpha.
"""

from __future__ import annotations

from foldwise.kernels.lanes import Vector, formula, square_root
from foldwise.kernels.special import HALF_LOG_2PI, LOG2_E, digamma_rest, exp, log, log1p, log_gamma_rest, log_ratio

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
    """What counts above k add where r < 8: larger ln(1 + alpha k), and its share of the slope."""
    small = shift > 0.0
    step = 1.0 + alpha * k
    return (larger * log_ratio(step, alpha * k)).where(small, 0.0), (0.0 - larger / step).where(small, 0.0)


@formula
def likelihood_rest(
    samples: Vector, total: Vector, excess: Vector, positive: Vector, r: Vector, shift: Vector, h: Vector,
    base_inverse: Vector,
) -> tuple[Vector, ...]:  # fmt: skip
    """What all samples together add to value and slope: -c(R0), yk (ln h - 1) + y; and digamma's parts.

    samples, total, excess, positive : sums of weights, of counts, of min(count, 8), of weights of counts above 0.
    """
    small = shift > 0.0
    correction = (excess + (total - excess) * log_ratio(h, h - 1.0)).where(small, 0.0)
    value = correction - samples * log_gamma_rest(base_inverse)
    slope = (0.0 - positive).where(small, 0.0) - samples * r * digamma_rest(base_inverse)
    return value, slope


@formula
def logarithm(x: Vector) -> Vector:
    return log(x)


@formula
def exponential(x: Vector) -> Vector:
    return exp(x)


@formula
def posterior(
    value: Vector, slope: Vector, logs: Vector, alpha: Vector, trace: Vector, log_alpha: Vector, prior_mean: Vector,
    precision: Vector,
) -> tuple[Vector, ...]:  # fmt: skip
    """The log-likelihood with the Cox-Reid adjustment and the prior.

    logs : of all ratios x / R0 and of the determinant, each counting for -1/2.
    trace : of B^-1 X' diag(d^2) X.
    """
    away = log_alpha - prior_mean
    value = value - 0.5 * logs - 0.5 * away * away * precision
    return value, slope + 0.5 * (alpha * trace) - away * precision


@formula
def masked(value: Vector, weight: Vector, threshold: Vector) -> Vector:
    """The value where the weight is above the threshold, else 0."""
    return value.where(weight > threshold, 0.0)


@formula
def at_dispersion(alpha: Vector) -> tuple[Vector, ...]:
    return _at_dispersion(alpha)


@formula
def constant_rest(r: Vector, shift: Vector, h: Vector, base_inverse: Vector) -> tuple[Vector, ...]:
    """What every sample adds to the constants: fixed, and per shifted count."""
    return (0.0 - HALF_LOG_2PI) - log_gamma_rest(base_inverse), log_ratio(h, h - 1.0) - 1.0


@formula
def constant_terms(
    y: Vector, alpha: Vector, r: Vector, shift: Vector, base: Vector, base_inverse: Vector, fixed: Vector,
    per_count: Vector,
) -> tuple[Vector, ...]:  # fmt: skip
    """A sample's lnG(y + r) - lnG(r) + y ln alpha - lnG(y + 1) but for the log of a product, and the product.

    lnG(y + 1) by Stirling at y + 1, or at y + 9 below 8 with the product of what lies between.
    """
    yk = (y - shift).at_least(0.0)
    x = base + yk
    gamma = (y + r - 0.5) * log_ratio(x * base_inverse, yk * base_inverse) + log_gamma_rest(1.0 / x)
    low = y < SHIFT
    above = (y + (SHIFT + 1.0)).where(low, y + 1.0)
    factorial = (above - 0.5) * log(above) - above + log_gamma_rest(1.0 / above)
    product = y + 1.0
    for k in range(2, SHIFT_STEPS + 1):
        product = product * (y + float(k))
    return gamma - factorial + fixed + yk * per_count, product.where(low, 1.0)


@formula
def small_count_product(product: Vector, y: Vector, alpha: Vector, shift: Vector) -> Vector:
    """Times the product of 1 + alpha k over k = 1..min(y, 8) - 1, where r < 8."""
    small = shift > 0.0
    for k in range(1, SHIFT_STEPS):
        product = (product * (1.0 + float(k) * alpha)).where(small & (y > float(k)), product)
    return product


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
    """A sample's mean, weight mu / u at the floored mean, log-likelihood less that of a mean equal to the count,
    and the latter, without constants.

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
    perfect = y * log(y.at_least(1.0)) - (y + r) * log1p(alpha * y)
    return free, weight, value - r * log_ratio(u / at_count, alpha * away / at_count), perfect


@formula
def log2_error(variance: Vector) -> Vector:
    return LOG2_E * square_root(variance)


@formula
def cooks_term(y: Vector, mu: Vector, hat: Vector, robust: Vector, p: Vector) -> Vector:
    away, rest = y - mu, 1.0 - hat
    return away * away / (mu + robust * mu * mu) * hat / (rest * rest) / p
