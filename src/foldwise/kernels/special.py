"""Elementary and special functions over lanes, from published expansions.

Polynomials are minimax fits (Chebyshev) to 17 digits. Arguments are positive and normal where not said otherwise.
"""

from __future__ import annotations

from foldwise.kernels.lanes import Bits, Vector

LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
LOG2_E = 1.4426950408889634
HALF_LOG_2PI = 0.9189385332046728
EXPONENT, MANTISSA_OF_ROOT_HALF = 0x3FF, 0x3FE6A09E667F3BCD
TWO_52_BITS, TWO_52 = 0x4330000000000000, 4503599627370496.0
ROUND = 6755399441055744.0  # 1.5 * 2^52: adding and subtracting it rounds to an integer

# log((1+s)/(1-s)) = 2s + s z P(z), z = s^2 <= 0.0295
LOG_SERIES = (
    0.666666666666667, 0.3999999999989889, 0.28571428626253836, 0.22222211089379496,
    0.1818289243253687, 0.15331611722055008, 0.14617807153417325,
)  # fmt: skip
# exp(x) = 1 + x + x^2 P(x), |x| <= log(2) / 2
EXP_SERIES = (
    0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326112, 0.001388888888888373, 0.0001984126987490126,
    2.4801587325605324e-05, 2.7557255297969643e-06, 2.755727357010214e-07, 2.5105259538448494e-08,
    2.0914717341716378e-09,
)  # fmt: skip
# log Gamma(x) - Stirling = P(1/x^2) / x, and digamma(x) = log x - 1/(2x) - P(1/x^2) / x^2, x >= 8
LOG_GAMMA_SERIES = (
    0.0833333333333333, -0.002777777777606244, 0.0007936506649488252, -0.0005952025951802712,
    0.0008372834512071336, -0.0016526004455595122,
)  # fmt: skip
DIGAMMA_SERIES = (
    0.08333333333333287, -0.008333333331168558, 0.003968252342841619, -0.004166217650696842,
    0.007519088230747095, -0.017711160415846534,
)  # fmt: skip


def horner(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    total = x.lift(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def log_ratio(x: Vector, x_minus_1: Vector) -> Vector:
    """log(x), given x - 1 as well: where x is near 1 the latter holds the digits."""
    shifted = x.bits() - MANTISSA_OF_ROOT_HALF + (1024 << 52)
    exponent_bits = shifted >> 52
    exponent = (exponent_bits | TWO_52_BITS).vector() - (TWO_52 + 1024.0)
    mantissa = (x.bits() - (exponent_bits << 52) + (1024 << 52)).vector()
    f = x_minus_1.where(exponent.equals(0.0), mantissa - 1.0)
    s = f / (f + 2.0)
    z = s * s
    half_square = 0.5 * f * f
    tail = s * (half_square + z * horner(z, LOG_SERIES)) + exponent * LN2_LOW
    return exponent * LN2_HIGH + (f - (half_square - tail))


def log(x: Vector) -> Vector:
    """log(x); NaN where x is not positive."""
    return log_ratio(x, x - 1.0).where(x > 0.0, float("nan"))


def log1p(x: Vector) -> Vector:
    """log(1 + x), x > -1."""
    return log_ratio(x + 1.0, x)


def exp(x: Vector) -> Vector:
    """exp(x); 0 below -708 and infinite above 709."""
    rounded = x * LOG2_E + ROUND
    n = rounded - ROUND
    r = x - n * LN2_HIGH - n * LN2_LOW
    value = 1.0 + (r + r * r * horner(r, EXP_SERIES))
    scaled: Bits = value.bits() + (rounded.bits() << 52)
    result = scaled.vector().where(x > -708.0, 0.0)
    result = x.lift(float("inf")).where(x > 709.0, result)
    return x.where(x.is_nan(), result)


def log_gamma_rest(reciprocal: Vector) -> Vector:
    """log Gamma(x) minus Stirling's (x - 1/2) log x - x + log(2 pi) / 2, from 1/x, x >= 8."""
    return reciprocal * horner(reciprocal * reciprocal, LOG_GAMMA_SERIES)


def digamma_rest(reciprocal: Vector) -> Vector:
    """log x - digamma(x), from 1/x, x >= 8."""
    square = reciprocal * reciprocal
    return 0.5 * reciprocal + square * horner(square, DIGAMMA_SERIES)
