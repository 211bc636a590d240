"""Differential expression for count data: the DESeq2 method in Python, with R's numbers.

>>> import foldwise as fw
>>> fit = fw.deseq(fw.simulate(n_genes=50, n_samples=6, seed=1).data, "~ condition")
>>> sorted(fit.results().table.columns[:2])
['baseMean', 'log2FoldChange']
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

__version__ = "0.1.0"

logging.getLogger("foldwise").addHandler(logging.NullHandler())

# What users see → where it lives. Loaded when first used, so that `import foldwise` is quick.
_WHERE = {
    "counts": ("CountData",),
    "api": ("deseq", "fit_lrt", "fit_wald"),
    "dispersion.stage": ("Dispersions", "estimate_dispersions"),
    "size_factors.estimate": ("estimate_size_factors",),
    "fit": ("Fit",),
    "many": ("ManyFits", "deseq_many"),
    "results": ("Results",),
    "design": ("design_matrix",),
    "design.doctor": ("diagnose",),
    "datasets.simulation": ("simulate",),
    "citation": ("cite",),
    "quality": ("quality",),
    "report": ("report",),
    "counts.offsets": ("factors_from_offsets",),
    "recover": ("recover_counts",),
    "transforms.unmixing": ("unmix",),
    "transforms": (
        "RegularizedLog", "VarianceStabilization", "fit_rlog", "fit_vst", "load_transform", "norm_transform", "rlog",
        "variance_stabilizing_transformation", "vst",
    ),
    "abundance": (
        "cpm", "filter_by_expression", "fpkm", "fpm", "median_of_ratios", "norm_factors", "normalization_guide",
        "rpkm", "tmm_factors", "tpm",
    ),
    "io": (
        "load", "pseudobulk", "read_10x", "read_counts", "read_featurecounts", "read_htseq", "read_rds",
        "read_samples", "read_star", "read_tximport",
    ),
    "errors": (
        "ContrastError", "CountsError", "DesignError", "FitError", "FoldwiseError", "FoldwiseWarning",
        "MissingDependencyError", "OptionError", "SamplesError",
    ),
}  # fmt: skip
_HOME = {name: room for room, names in _WHERE.items() for name in names}
_ROOMS = ("plots", "datasets", "compat")

__all__ = ["__version__", *sorted(_HOME), *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"foldwise.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return importlib.import_module(f"foldwise.{name}")
    raise AttributeError(f"module 'foldwise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
