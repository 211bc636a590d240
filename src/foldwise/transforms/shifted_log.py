"""The plainest transformation: the logarithm of normalized counts plus one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.errors import OptionError
from foldwise.transforms.passes import StabilizingPass, stabilizing_pass
from foldwise.transforms.prepared import prepared


@checked
def norm_transform(
    data_or_fit: Any,
    *,
    f: Callable[[FloatArray], FloatArray] = np.log2,
    pc: float = 1.0,
    executor: Any = None,
) -> pd.DataFrame:
    """``f(normalized counts + pc)``, log2(x + 1) by default: R's ``normTransform()``.

    Low counts vary much on this scale, more than :func:`vst` and :func:`rlog` let them.

    Parameters
    ----------
    data_or_fit : fit, CountData, AnnData or genes x samples table of counts
        Factors that it carries are kept; size factors are estimated where there are none.
    f : elementwise function. pc : pseudocount.

    Returns
    -------
    DataFrame, genes x samples.
    """
    if not np.isfinite(pc):
        raise OptionError(f"pc={pc!r}: the pseudocount must be a number.")
    start = prepared(data_or_fit, executor)
    measured = start.measured
    shared = StabilizingPass(measured.common_factors, _Shifted(f, pc))
    found = start.run.over_genes("transform", stabilizing_pass, measured.counts, measured.genes(), shared)
    return start.frame(found["value"])


class _Shifted:
    """A form like those of the variance-stabilizing transformation, for blocks."""

    __slots__ = ("f", "pc")

    def __init__(self, f: Callable[[FloatArray], FloatArray], pc: float) -> None:
        self.f, self.pc = f, pc

    def __call__(self, q: FloatArray) -> FloatArray:
        return np.asarray(self.f(q + self.pc), dtype=np.float64)
