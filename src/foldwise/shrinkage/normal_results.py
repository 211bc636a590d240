"""The table of ``type="normal"``: one comparison of a refit in which every coefficient has a normal prior."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.coefficients import LOG2_E
from foldwise.coefficients.prior import coefficient_prior_variance, prior_gene_weights
from foldwise.counts.measured import spread
from foldwise.design import Design, build_design
from foldwise.design.contrasts import resolve_contrast
from foldwise.errors import ContrastError, OptionError
from foldwise.inference import threshold_test
from foldwise.inference.comparison import ZeroPass, zero_pass
from foldwise.inference.status import status_of
from foldwise.multiplicity import independent_filtering
from foldwise.options import AltHypothesis
from foldwise.results import Results, _cutoff, _filter_metadata, _outliers, _zero_after_replacement
from foldwise.shrinkage.normal import normal_posterior
from foldwise.shrinkage.shrunken_results import Shrunken, check_table, metadata_of, statuses

if TYPE_CHECKING:
    from foldwise.fit import Fit


@dataclass(frozen=True, slots=True)
class _Asked:
    """The design to refit, what to read off it, the samples that are compared (None: no matter), the plain table."""

    design: Design
    vector: FloatArray
    touched: BoolArray | None
    res: Results


def shrink_normal(fit: Fit, coef: str | None, contrast: Any, threshold: float, res: Results | None) -> Results:
    """See :func:`foldwise.shrinkage.shrink`."""
    if fit.design.has_interactions:
        raise OptionError(
            'type="normal" cannot be used with interactions in the design: one prior for main effects and interactions '
            'would shrink them against each other. Use type="apeglm" or "ashr".'
        )
    if res is not None:
        check_table(fit, res)
    asked = _coefficient(fit, coef, res) if contrast is None else _contrast(fit, contrast, res)
    fitted = ~fit.stage.columns["allZero"].astype(bool)
    posterior = normal_posterior(
        fit.measured.counts,
        fit.factors,
        asked.design.matrix,
        fit.stage.columns["dispersion"],
        _prior_variance(fit, asked.design, fitted),
        asked.vector,
        fit.executor,
        rows=np.flatnonzero(fitted),
        weights=fit.weights_array,
    )
    lfc, sd = spread(posterior.lfc, fitted), spread(posterior.se, fitted)
    nothing = _without_counts(fit, asked.touched) & fitted
    lfc[nothing] = 0.0
    not_converged = spread(~posterior.converged, fitted, 0.0).astype(bool)
    prior = {"prior_variance": dict(zip(asked.design.names, posterior.prior_variance.tolist(), strict=True))}
    found = Shrunken(lfc, sd, None, not_converged, prior, "MAP", "standard error")
    return _results(fit, asked.res, found, nothing, threshold)


def _coefficient(fit: Fit, coef: str | None, res: Results | None) -> _Asked:
    if coef is None:
        res = fit.results() if res is None else res
        if np.count_nonzero(res.contrast.vector) != 1:
            raise OptionError('type="normal" with a table of a contrast needs the contrast too: contrast=.')
        return _Asked(fit.design, res.contrast.vector, None, res)
    own = resolve_contrast(fit.design, None, coef)
    return _Asked(fit.design, own.vector, None, fit.results(name=coef) if res is None else res)


def _contrast(fit: Fit, contrast: Any, res: Results | None) -> _Asked:
    """Levels are compared in the expanded matrix, where each has a column of its own and none is the base."""
    from foldwise.shrinkage.expanded import resolve_expanded, to_standard

    if fit.design.kind == "user" or fit.design.formula is None:
        raise OptionError('With a model matrix of your own type="normal" shrinks coefficients only: use coef=.')
    expanded = build_design(fit.design.formula, fit.design.samples, expanded=True)
    asked = resolve_expanded(expanded, fit.design, contrast)
    if res is None:
        if _is_levels(contrast):
            res = fit.results(contrast)
        else:
            res = _standard_table(fit, to_standard(expanded, fit.design, asked.vector))
    signs = (asked.vector > 0).any() and (asked.vector < 0).any()
    touched = expanded.matrix @ (asked.vector != 0).astype(np.float64) != 0
    return _Asked(expanded, asked.vector, touched if signs else None, res)


def _is_levels(contrast: Any) -> bool:
    return isinstance(contrast, list | tuple) and len(contrast) == 3 and all(isinstance(part, str) for part in contrast)


def _standard_table(fit: Fit, vector: FloatArray | None) -> Results:
    if vector is None:
        raise ContrastError(
            "The fit's coefficients do not determine this contrast: the weights of each factor's levels must sum to "
            "that of the intercept. Without that give res=, the table whose p-values it should have."
        )
    return fit.results(vector)


def _prior_variance(fit: Fit, design: Design, fitted: BoolArray) -> FloatArray:
    columns = fit.stage.columns
    trend = columns.get("dispFit")
    weights = prior_gene_weights(
        columns["baseMean"][fitted], None if trend is None else trend[fitted], columns["dispersion"][fitted]
    )
    return coefficient_prior_variance(
        fit.tested.beta[fitted] * LOG2_E,
        weights,
        fit.design.model_matrix_names,
        fit.design.factors,
        expanded_columns=design.model_matrix_names if design.kind == "expanded" else None,
    )


def _without_counts(fit: Fit, touched: BoolArray | None) -> BoolArray:
    if touched is None:
        return np.zeros(fit.data.n_genes, dtype=bool)
    found = fit.executor.over_genes("contrast", zero_pass, fit.measured.counts, {}, ZeroPass(touched))
    return np.asarray(found["zero"], dtype=bool)


def _results(fit: Fit, res: Results, found: Shrunken, nothing: BoolArray, threshold: float) -> Results:
    columns = {name: res.table[name].to_numpy(dtype=np.float64) for name in ("baseMean", "stat", "pvalue")}
    columns |= {"log2FoldChange": found.lfc, "lfcSE": found.sd}
    table = res.table.copy()
    outlier, own = None, {}
    if threshold > 0:
        alternative: AltHypothesis = "greaterAbs2014" if fit.options.get("compat") == "1.38" else "greaterAbs"
        stat, p = threshold_test(found.lfc, found.sd, threshold, alternative)
        outlier = _outliers(fit, None) | _first_fit_outliers(fit)
        columns["stat"] = np.where(nothing, 0.0, stat)
        columns["pvalue"] = np.where(outlier, np.nan, np.where(nothing, 1.0, p))
    _zero_after_replacement(fit, columns)
    for name in ("log2FoldChange", "lfcSE", *(("stat", "pvalue") if threshold > 0 else ())):
        table[name] = columns[name]
    if outlier is not None:
        compat = fit.options.get("compat")
        filtering = independent_filtering(columns["pvalue"], columns["baseMean"], 0.1, compat=compat)
        table["padj"] = filtering.padj
        table["status"] = status_of(fit, table, outlier)
        own = {"cooks_cutoff": _cutoff(fit, None), "use_t": False, "filtered_by": "mean"} | _filter_metadata(filtering)
    table["status"] = statuses(table["status"], found.not_converged)
    said = metadata_of(res, found, "normal", threshold, list(table.columns))
    return replace(res, table=table, metadata=said | own)


def _first_fit_outliers(fit: Fit) -> BoolArray:
    """Genes with an outlier in the original counts, also where it was replaced: these counts are fitted again here."""
    outlier = np.zeros(fit.data.n_genes, dtype=bool)
    if fit.replacement is not None:
        from foldwise.outliers import cooks_cutoff, judged_samples

        n, p = fit.full_design.matrix.shape
        judged = judged_samples(fit.full_design.cells, p)
        rows = fit.replacement.rows
        distances = fit._matrices(rows)["cooks"][:, judged]
        outlier[rows] = distances.max(axis=1, initial=0.0) > cooks_cutoff(n, p)
    return outlier
