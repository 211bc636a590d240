"""Fold changes: negative binomial GLMs with the dispersion given, and the prior of their coefficients."""

from foldwise.coefficients.glm import (
    LOG2_E,
    CooksRule,
    FittedGlm,
    GlmModel,
    fit_and_finish,
    fit_coefficients,
    glm_model,
)

__all__ = [
    "CooksRule",
    "FittedGlm",
    "GlmModel",
    "LOG2_E",
    "fit_and_finish",
    "fit_coefficients",
    "glm_model",
]
