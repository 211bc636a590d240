"""PyDESeq2's ``DeseqDataSet``: an AnnData (samples x genes) that fits itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.compat.pydeseq2.default_inference import threads
from foldwise.compat.pydeseq2.names import coefficient_names, design_row
from foldwise.errors import CountsError, DesignError, MissingDependencyError, OptionError
from foldwise.warn import warn

try:
    from anndata import AnnData
except ImportError as error:
    raise MissingDependencyError("The PyDESeq2 interface needs anndata: pip install 'foldwise[anndata]'") from error

if TYPE_CHECKING:
    from foldwise.fit import Fit

FROM_R = {"genewise_dispersions": "dispGeneEst", "fitted_dispersions": "dispFit", "MAP_dispersions": "dispMAP",
          "dispersions": "dispersion"}  # fmt: skip
SIZE_FACTORS = {"ratio": "ratio", "poscounts": "poscounts", "iterative": "iterate"}
WITHOUT_EFFECT = {"min_disp": 1e-8, "max_disp": 10.0, "beta_tol": 1e-8}


class DeseqDataSet(AnnData):  # type: ignore[misc]
    """Counts, samples and design; ``deseq2()`` fits.

    Parameters
    ----------
    adata : an AnnData with counts in ``X`` and samples in ``obs``; or
    counts, metadata : DataFrames, samples x genes and samples x variables.
    design : a formula or a design matrix. design_factors, continuous_factors, ref_level : older ways to say it.
    fit_type, size_factors_fit_type, control_genes, min_mu, refit_cooks, min_replicates : as in PyDESeq2; "iterative" is
        R's "iterate".
    n_cpus, inference : how many threads. quiet : no progress. low_memory : no genes x samples layers are kept.

    Raises
    ------
    CountsError, SamplesError, DesignError, OptionError
        All are ValueErrors, which PyDESeq2 raises.
    """

    def __init__(
        self,
        *,
        adata: AnnData | None = None,
        counts: pd.DataFrame | None = None,
        metadata: pd.DataFrame | None = None,
        design: str | pd.DataFrame = "~condition",
        design_factors: str | list[str] | None = None,
        continuous_factors: list[str] | None = None,
        ref_level: list[str] | None = None,
        fit_type: str = "parametric",
        size_factors_fit_type: str = "ratio",
        control_genes: Any = None,
        min_mu: float = 0.5,
        refit_cooks: bool = True,
        min_replicates: int = 7,
        n_cpus: int | None = None,
        inference: Any = None,
        quiet: bool = False,
        low_memory: bool = False,
        **rest: float,
    ) -> None:
        super().__init__(**_parts(adata, counts, metadata))
        _check_rest(rest)
        if size_factors_fit_type not in SIZE_FACTORS:
            raise OptionError(
                f"size_factors_fit_type={size_factors_fit_type!r} is not one of {', '.join(SIZE_FACTORS)}."
            )
        if design_factors is not None:
            design = _formula(design_factors)
            _as_categories(self.obs, design_factors, continuous_factors or [])
        self.design = design
        self.reference = None if ref_level is None else {ref_level[0]: ref_level[1]}
        self.fit_type, self.size_factors_fit_type = fit_type, size_factors_fit_type
        self.control_genes, self.min_mu = control_genes, min_mu
        self.refit_cooks, self.min_replicates = refit_cooks, min_replicates
        self.quiet, self.low_memory = quiet, low_memory
        self.n_threads = threads(n_cpus, inference)
        self._fit: Fit | None = None
        self._vst: Any = None
        self.obsm["design_matrix"] = self._design_matrix()

    # ------------------------------------------------------------------------------------------ fitting
    def deseq2(self, fit_type: str | None = None) -> None:
        """Size factors, dispersions, fold changes and outliers; fills ``obs``, ``var``, ``varm``, ``layers``, ``uns``."""
        from foldwise.api import deseq

        self._fit = deseq(
            self._count_data(),
            self.design,
            fit_type=fit_type or self.fit_type,  # type: ignore[arg-type]
            sf_type=SIZE_FACTORS[self.size_factors_fit_type],  # type: ignore[arg-type]
            control_genes=self._controls(),
            min_replicates_for_replace=self.min_replicates if self.refit_cooks else float("inf"),
            min_mu=self.min_mu,
            reference=self.reference,
            executor=self.n_threads,
            progress=False if self.quiet else None,
        )
        _fill(self, self._fit)

    @property
    def fit(self) -> Fit:
        """The foldwise fit."""
        if self._fit is None:
            raise OptionError("Nothing is fitted yet: call deseq2() first.")
        return self._fit

    def _step(self) -> None:
        """Steps that PyDESeq2 does one by one: the first one fits everything."""
        if self._fit is None:
            self.deseq2()

    def fit_size_factors(self, fit_type: str | None = None, control_genes: Any = None) -> None:
        """Size factors alone, in ``obs["size_factors"]``."""
        from foldwise.size_factors.estimate import estimate_size_factors

        self.size_factors_fit_type = fit_type or self.size_factors_fit_type
        self.control_genes = self.control_genes if control_genes is None else control_genes
        kind: Any = SIZE_FACTORS[self.size_factors_fit_type]
        found = estimate_size_factors(self._count_data(), sf_type=kind, control_genes=self._controls())
        self.obs["size_factors"] = np.asarray(found, dtype=float)

    def fit_genewise_dispersions(self, vst: bool = False) -> None:
        """Fits, if that is not done yet; so do the other steps."""
        self._step()

    def fit_dispersion_trend(self, vst: bool = False) -> None:
        self._step()

    def fit_dispersion_prior(self) -> None:
        self._step()

    def fit_MAP_dispersions(self) -> None:
        self._step()

    def fit_LFC(self) -> None:
        self._step()

    def calculate_cooks(self) -> None:
        self._step()

    def refit(self) -> None:
        self._step()

    # ------------------------------------------------------------------------------------------ asking
    @property
    def variables(self) -> list[str]:
        """The variables of the design."""
        return list(self._design().variables)

    def disp_function(self, x: Any) -> Any:
        """The dispersion trend."""
        trend: Callable[[Any], Any] | None = self.fit.trend
        if trend is None:
            raise OptionError("This fit has no dispersion trend.")
        return trend(np.asarray(x, dtype=np.float64))

    def cooks_outlier(self) -> pd.Series:
        """Genes whose p-value is left out for an outlier."""
        return self.fit.results().table["status"] == "outlier"

    def cond(self, **values: Any) -> pd.Series:
        """The design's row for these values, for contrasts: ``dds.cond(x="b") - dds.cond(x="a")``."""
        return design_row(self._design(), values)

    def contrast(self, column: str, baseline: Any, group_to_compare: Any) -> pd.Series:
        """What multiplies each coefficient to compare two levels."""
        return self.cond(**{column: group_to_compare}) - self.cond(**{column: baseline})

    # ------------------------------------------------------------------------------------------ transforming
    def vst(self, use_design: bool = False, fit_type: str | None = None) -> None:
        """Variance-stabilizing transformation, into ``layers["vst_counts"]``."""
        self.vst_fit(use_design, fit_type)
        self.layers["vst_counts"] = self.vst_transform()

    def vst_fit(self, use_design: bool = False, fit_type: str | None = None) -> None:
        """Fit the transformation alone."""
        from foldwise.transforms import fit_vst

        kind: Any = fit_type or self.fit_type
        design = self.design if use_design else None
        self._vst = fit_vst(self._count_data(), not use_design, kind, design=design, executor=self.n_threads)

    def vst_transform(self, counts: Any = None) -> np.ndarray[Any, Any]:
        """Transformed counts (samples x genes): these, or new ones of the same genes."""
        if self._vst is None:
            raise OptionError("Call vst_fit() first.")
        if counts is None:
            return np.asarray(self._vst.values, dtype=np.float64).T.copy()
        new = pd.DataFrame(np.asarray(counts), columns=self.var_names)
        new.index = new.index.map(lambda i: f"new{i}")
        return np.asarray(self._vst.apply(new.T), dtype=np.float64).T.copy()

    def plot_dispersions(self, log: bool = True, save_path: str | None = None, **_: Any) -> Any:
        """The dispersion plot; axes of Matplotlib."""
        from foldwise import plots

        axes = plots.dispersion(self.fit)
        if not log:
            axes.set_xscale("linear")
            axes.set_yscale("linear")
        if save_path is not None:
            axes.figure.savefig(save_path, bbox_inches="tight")
        return axes

    def to_picklable_anndata(self) -> AnnData:
        """A plain AnnData with all that was filled in."""
        return AnnData(**_parts(self, None, None))

    # ------------------------------------------------------------------------------------------ inside
    def _count_data(self) -> Any:
        from foldwise.counts import CountData

        plain = AnnData(X=self.X, obs=self.obs.drop(columns=["size_factors", "replaceable"], errors="ignore"))
        plain.var_names = self.var_names
        return CountData(plain)

    def _controls(self) -> Any:
        """Names of control genes, which may be given as names, positions or a mask."""
        if self.control_genes is None:
            return None
        given = np.asarray(self.control_genes)
        return list(self.var_names[given]) if given.dtype.kind in "iub" else [str(name) for name in given]

    def _design(self) -> Any:
        from foldwise.design import assemble_design

        return (
            self._fit.full_design
            if self._fit is not None
            else assemble_design(self.design, self.obs, reference=self.reference)
        )

    def _design_matrix(self) -> pd.DataFrame:
        design = self._design()
        return pd.DataFrame(design.matrix, index=self.obs_names, columns=coefficient_names(design))


def _parts(adata: AnnData | None, counts: pd.DataFrame | None, metadata: pd.DataFrame | None) -> dict[str, Any]:
    if adata is not None:
        if counts is not None or metadata is not None:
            warn("adata is given: counts and metadata are left aside.")
        return {
            "X": adata.X,
            "obs": adata.obs.copy(),
            "var": adata.var.copy(),
            "uns": dict(adata.uns),
            "obsm": dict(adata.obsm),
            "varm": dict(adata.varm),
            "layers": dict(adata.layers),
        }
    if counts is None or metadata is None:
        raise OptionError("Give adata=, or both counts= (samples x genes) and metadata=.")
    if not counts.index.equals(metadata.index):
        if set(counts.index) != set(metadata.index):
            raise CountsError("counts and metadata must have the same rows: counts are samples x genes.")
        metadata = metadata.loc[counts.index]
    return {"X": counts.to_numpy(), "obs": metadata.copy(), "var": pd.DataFrame(index=counts.columns.astype(str))}


def _check_rest(rest: dict[str, float]) -> None:
    unknown = [name for name in rest if name not in WITHOUT_EFFECT]
    if unknown:
        raise TypeError(f"DeseqDataSet() got an unexpected keyword argument '{unknown[0]}'")
    changed = [name for name, value in rest.items() if value != WITHOUT_EFFECT[name]]
    if changed:
        warn(f"{', '.join(changed)}: without effect, R's rules hold.")


def _formula(factors: str | list[str]) -> str:
    names = [factors] if isinstance(factors, str) else list(factors)
    if not names:
        raise DesignError("design_factors is empty.")
    return "~ " + " + ".join(names)


def _as_categories(obs: pd.DataFrame, factors: str | list[str], continuous: list[str]) -> None:
    for name in [factors] if isinstance(factors, str) else factors:
        if name in obs and name not in continuous and pd.api.types.is_numeric_dtype(obs[name]):
            obs[name] = obs[name].astype(str)


def _fill(dds: DeseqDataSet, fit: Fit) -> None:
    genes = fit.genes
    names = coefficient_names(fit.design)
    if fit.size_factors is not None:
        dds.obs["size_factors"] = fit.size_factors.to_numpy()
    dds.obs["replaceable"] = _replaceable(dds, fit)
    dds.var["non_zero"] = ~genes["allZero"].to_numpy(dtype=bool)
    for name, of_r in FROM_R.items():
        if of_r in genes:
            dds.var[name] = genes[of_r].to_numpy(dtype=np.float64)
    replaced = genes["replace"] if "replace" in genes else pd.Series(False, index=genes.index)
    dds.var["replaced"] = replaced.fillna(False).to_numpy(dtype=bool)
    dds.var["refitted"] = np.asarray(fit.refitted, dtype=bool)
    dds.varm["LFC"] = pd.DataFrame(fit.coefficients.to_numpy() * np.log(2), index=dds.var_names, columns=names)
    dds.obsm["design_matrix"] = pd.DataFrame(fit.design.matrix, index=dds.obs_names, columns=names)
    if not dds.low_memory:
        dds.layers["normed_counts"] = fit.counts(normalized=True).to_numpy().T.copy()
        dds.layers["cooks"] = fit.cooks.to_numpy().T.copy()
    _fill_trend(dds, fit)


def _fill_trend(dds: DeseqDataSet, fit: Fit) -> None:
    trend = fit.trend
    if trend is None:
        return
    dds.uns["disp_function_type"] = trend.kind
    dds.uns["prior_disp_var"] = fit.dispersion_prior_variance
    if trend.kind == "parametric":
        found = trend.coefficients
        dds.uns["trend_coeffs"] = pd.Series({"a0": found["asymptDisp"], "a1": found["extraPois"]})
    elif trend.kind == "mean":
        dds.uns["mean_disp"] = float(np.asarray(trend(np.ones(1)))[0])


def _replaceable(dds: DeseqDataSet, fit: Fit) -> Any:
    cells = fit.full_design.cells
    return np.bincount(cells)[cells] >= dds.min_replicates
