"""Abundance: counts made comparable to the eye. None of these goes into the test, which wants counts."""

from foldwise.abundance.cpm import cpm, fpkm, fpm, rpkm
from foldwise.abundance.filtering import filter_by_expression
from foldwise.abundance.guide import NormalizationGuide, normalization_guide
from foldwise.abundance.median_of_ratios import median_of_ratios
from foldwise.abundance.norm_factors import norm_factors, tmm_factors
from foldwise.abundance.tpm import tpm

__all__ = [
    "NormalizationGuide",
    "cpm",
    "filter_by_expression",
    "fpkm",
    "fpm",
    "median_of_ratios",
    "norm_factors",
    "normalization_guide",
    "rpkm",
    "tmm_factors",
    "tpm",
]
