"""Transformations for looking, not for testing: variance-stabilized, regularized and shifted logarithms."""

from foldwise.transforms.fitted import RegularizedLog, VarianceStabilization
from foldwise.transforms.rlog import fit_rlog, rlog
from foldwise.transforms.saving import load_transform, transform_from_arrays
from foldwise.transforms.shifted_log import norm_transform
from foldwise.transforms.vst import fit_vst, variance_stabilizing_transformation, vst

__all__ = [
    "RegularizedLog",
    "VarianceStabilization",
    "fit_rlog",
    "fit_vst",
    "load_transform",
    "norm_transform",
    "rlog",
    "transform_from_arrays",
    "variance_stabilizing_transformation",
    "vst",
]
