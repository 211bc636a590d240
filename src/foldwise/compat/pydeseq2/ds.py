"""PyDESeq2's ``DeseqStats``: one comparison of a fitted ``DeseqDataSet``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.compat.pydeseq2.dds import DeseqDataSet
from foldwise.compat.pydeseq2.names import coefficient_names, position
from foldwise.errors import OptionError
from foldwise.results import COLUMNS, Results


class DeseqStats:
    """A comparison; ``summary()`` computes and prints it, ``results_df`` holds it.

    Parameters
    ----------
    dds : fitted; it is fitted now if it is not.
    contrast : ["condition", "treated", "control"], or one number a coefficient.
    alpha : level that independent filtering aims at; 0.05, as in PyDESeq2 (R's default is 0.1).
    cooks_filter, independent_filter : whether p-values of outliers, and of genes with low means, are left out.
    lfc_null, alt_hypothesis : a composite null, log2: "greaterAbs", "lessAbs", "greater", "less".
    quiet : do not print.
    """

    def __init__(
        self,
        dds: DeseqDataSet,
        contrast: list[str] | tuple[str, str, str] | np.ndarray[Any, Any] | pd.Series | None = None,
        alpha: float = 0.05,
        cooks_filter: bool = True,
        independent_filter: bool = True,
        prior_LFC_var: Any = None,
        lfc_null: float = 0.0,
        alt_hypothesis: str | None = None,
        inference: Any = None,
        quiet: bool = False,
        n_cpus: int | None = None,
    ) -> None:
        if prior_LFC_var is not None:
            raise OptionError("prior_LFC_var is not taken here; see foldwise.deseq(beta_prior=True).")
        if lfc_null and alt_hypothesis is None:
            raise OptionError('lfc_null needs a side: alt_hypothesis="greaterAbs", "lessAbs", "greater" or "less".')
        self.dds, self.contrast, self.alpha = dds, contrast, alpha
        self.cooks_filter, self.independent_filter = cooks_filter, independent_filter
        self.lfc_null, self.alt_hypothesis, self.quiet = lfc_null, alt_hypothesis, quiet
        dds._step()
        design = dds.fit.design
        self.design_matrix = dds.obsm["design_matrix"]
        self.LFC = dds.varm["LFC"].copy()
        self.contrast_vector = pd.Series(self._asked().vector, index=coefficient_names(design))
        self.shrunk_LFCs = False
        self._results: Results | None = None
        self._table: pd.DataFrame | None = None

    def _asked(self) -> Any:
        from foldwise.design.contrasts import resolve_contrast

        return resolve_contrast(self.dds.fit.design, self._contrast(), test="Wald")

    def _contrast(self) -> Any:
        if self.contrast is None:
            return None
        if isinstance(self.contrast, pd.Series | np.ndarray):
            return np.asarray(self.contrast, dtype=np.float64)
        return tuple(self.contrast)

    @property
    def variables(self) -> list[str]:
        """The variables of the design."""
        return self.dds.variables

    # ------------------------------------------------------------------------------------------ testing
    def summary(self, **options: Any) -> None:
        """Compute the table and print it; options (alpha, lfc_null, …) replace those given before."""
        for name, value in options.items():
            if name not in ("alpha", "cooks_filter", "independent_filter", "lfc_null", "alt_hypothesis"):
                raise TypeError(f"summary() got an unexpected keyword argument '{name}'")
            setattr(self, name, value)
        self._compute()
        if not self.quiet:
            print(f"log2 fold change & Wald test p-value: {self._answer().name}")
            print(self.results_df)

    def run_wald_test(self) -> None:
        """Compute the table."""
        self._compute()

    def _compute(self) -> None:
        options: dict[str, Any] = {"alpha": self.alpha, "independent_filtering": self.independent_filter}
        if not self.cooks_filter:
            options["cooks_cutoff"] = False
        if self.alt_hypothesis is not None:
            options |= {"alt_hypothesis": self.alt_hypothesis, "lfc_threshold": abs(self.lfc_null)}
        self._results = self.dds.fit.results(self._contrast(), **options)
        self._table = self._results.table[list(COLUMNS)].copy()
        self.shrunk_LFCs = False

    def _answer(self) -> Results:
        if self._results is None:
            self._compute()
        assert self._results is not None
        return self._results

    @property
    def results_df(self) -> pd.DataFrame:
        """baseMean, log2FoldChange, lfcSE, stat, pvalue, padj by gene."""
        self._answer()
        assert self._table is not None
        return self._table

    @property
    def base_mean(self) -> pd.Series:
        return self.results_df["baseMean"]

    @property
    def statistics(self) -> pd.Series:
        return self.results_df["stat"]

    @property
    def p_values(self) -> pd.Series:
        return self.results_df["pvalue"]

    @property
    def padj(self) -> pd.Series:
        return self.results_df["padj"]

    @property
    def SE(self) -> pd.Series:
        """Standard errors, natural logarithm."""
        return self.results_df["lfcSE"] * np.log(2)

    # ------------------------------------------------------------------------------------------ shrinking, drawing
    def lfc_shrink(self, coeff: str, adapt: bool = True) -> None:
        """Shrink fold changes (apeglm), in ``results_df`` and ``LFC``; p-values stay."""
        fit = self.dds.fit
        at = position(fit.design, coeff)
        shrunken = fit.shrink(coef=fit.design.names[at], type="apeglm", adapt=adapt)
        table = self.results_df
        for name in ("log2FoldChange", "lfcSE"):
            table[name] = shrunken.table[name].to_numpy()
        self.LFC.iloc[:, at] = table["log2FoldChange"].to_numpy() * np.log(2)
        self.shrunk_LFCs = True
        if not self.quiet:
            print(f"Shrunk log2 fold change & Wald test p-value: {coeff}")
            print(table)

    def plot_MA(self, log: bool = True, save_path: str | None = None, **_: Any) -> Any:
        """Fold changes over means; axes of Matplotlib."""
        from foldwise import plots

        axes = plots.ma(self.results_df, alpha=self.alpha)
        if not log:
            axes.set_xscale("linear")
        if save_path is not None:
            axes.figure.savefig(save_path, bbox_inches="tight")
        return axes
