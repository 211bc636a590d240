"""Whole fits against DESeq2's: every column of every case of cases.json. README.md says how the tables were made."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import foldwise as fw

HERE = Path(__file__).parent
BOOK = json.loads((HERE / "cases.json").read_text())
CASES = {case["case"]: case for case in BOOK["cases"]}
REFUSED = [name for name in CASES if name.startswith("refuses") and not (HERE / f"tables/{name}.tsv.gz").exists()]
FITTED = [name for name in CASES if name not in REFUSED]

TOLERANCE = 1e-6
"""Relative, on the scale of each column's floor; p-values in logarithms."""
FLOORS = {
    "log2FoldChange": 1e-4,
    "lfcMLE": 1e-4,
    "stat": 1e-4,
    "baseMean": 1e-8,
    "baseVar": 1e-8,
    "dispFit": 1e-8,
    "dispMAP": 1e-8,
}
FLOORS |= {"dispGeneEst": 1e-8, "dispersion": 1e-8, "maxCooks": 1e-8}
P_VALUES = {"pvalue", "padj"}
DISPERSIONS = {"dispGeneEst", "dispMAP", "dispersion"}
NEAR_ZERO = 1e-6
"""Dispersions below it are rounding noise on either side."""
# R's search for a dispersion stops when the log likelihood gains less than 1e-6. Where both sides of that comparison, or
# of the one that accepts a step, agree to the last bits, the order in which a sum is taken decides on one more step: in
# one gene of some thousands, by up to 3e-5 of its dispersion. So a column may have a few such genes; more are an error.
FLIPPED, FLIPPED_SHARE, FLIPPED_BY = 5, 0.02, 1e-4
FLIPPED_MANY, FLIPPED_MANY_BY = 1e-3, 1e-2  # of whole data sets
OPTIMISED = 1e-5
"""Coefficients that R's general optimiser gave: where it stops moves by this when its start moves in the last bits."""
OPTIMISED_ITERATIONS = 100  # betaIter of such genes
MOVED_BY_OPTIMISER = {"log2FoldChange", "stat", "pvalue", "padj"}

ARGUMENTS = {
    "test": "test",
    "reduced": "reduced",
    "fitType": "fit_type",
    "sfType": "sf_type",
    "betaPrior": "beta_prior",
    "modelMatrixType": "model_matrix_type",
    "useT": "use_t",
    "minmu": "min_mu",
    "minReplicatesForReplace": "min_replicates_for_replace",
    "lfcThreshold": "lfc_threshold",
    "altHypothesis": "alt_hypothesis",
    "independentFiltering": "independent_filtering",
    "cooksCutoff": "cooks_cutoff",
    "pAdjustMethod": "p_adjust_method",
    "listValues": "list_values",
    "addMLE": "add_mle",
}


# ---------------------------------------------------------------------------------------------------- what goes in
def read(path):
    return pd.read_csv(
        path, sep="\t", index_col=0, na_values=["NA"], keep_default_na=False, float_precision="round_trip"
    )


def samples_of(case):
    about = BOOK["experiments"][case["data"]]
    if case["data"] in ("pasilla", "airway"):
        data = getattr(fw.datasets, case["data"])()
        counts, samples = data.counts, data.samples.astype(str)
    else:
        counts = read(HERE / f"data/{case['data']}.counts.tsv.gz")
        samples = pd.read_csv(HERE / f"data/{case['data']}.samples.tsv", sep="\t", index_col=0, dtype=str)
    samples = samples.loc[case.get("samples", list(samples.index))].copy()
    for name, levels in {**about["factors"], **case.get("factors", {})}.items():
        samples[name] = pd.Categorical(samples[name], levels)
    for name in about["numbers"]:
        samples[name] = samples[name].astype(float)
    return counts[samples.index], samples


def data_of(case):
    counts, samples = samples_of(case)
    if "genes" in case:
        counts = counts.iloc[case["genes"][0] - 1 : case["genes"][1]]
    if case.get("with_counts"):
        counts = counts[counts.sum(axis=1) > 0]
    beside = {"factors": "normalization_factors", "weights": "weights", "lengths": "average_lengths"}
    more = {
        beside[what]: read(HERE / f"data/{case['data']}.{what}.tsv.gz").loc[counts.index, counts.columns]
        for what in case.get("beside", [])
    }
    if "size_factors" in case:
        more["size_factors"] = pd.Series(case["size_factors"], index=samples.index, dtype=float)
    return fw.CountData(counts, samples, **more)


def model_of(spec, samples):
    return fw.design_matrix(spec["matrix"], samples) if isinstance(spec, dict) else spec


def translated(arguments):
    return {ARGUMENTS.get(name, name): np.inf if value == "Inf" else value for name, value in arguments.items()}


def fitted(case):
    data = data_of(case)
    options = translated(case.get("fit", {}))
    if "reduced" in options:
        options["reduced"] = model_of(options["reduced"], data.samples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fw.FoldwiseWarning)
        return fw.deseq(
            data, model_of(case["design"], data.samples), compat="1.38", executor="serial", progress=False, **options
        )


def asked(fit, arguments, genes):
    options = translated(arguments)
    contrast = options.get("contrast")
    if isinstance(contrast, dict):
        options["contrast"] = contrast["numbers"] if "numbers" in contrast else tuple([*contrast["lists"], []][:2])
    if isinstance(options.get("filter"), str):
        options["filter"] = genes[options["filter"]]
    return fit.results(**options)


# ---------------------------------------------------------------------------------------------------- comparing
@dataclass
class Comparison:
    """Collects what differs from R's table, in words that name gene and column."""

    genes: pd.Index
    optimised: np.ndarray
    limit: float
    found: list[str]

    def column(self, label, ours, theirs, *, tolerance=TOLERANCE):
        name = label.split("/")[1]
        a, b = as_floats(ours), as_floats(theirs)
        missing = np.isnan(a) != np.isnan(b)
        for i in np.flatnonzero(missing)[:3]:
            self.found.append(f"{label} of {self.genes[i]}: {a[i]}, and R has {b[i]} ({missing.sum()} such genes)")
        errors = errors_of(name, a, b)
        allowed = np.full(len(a), max(tolerance, self.limit if name == "padj" else 0.0))
        if label.startswith("coefficients/") or name in MOVED_BY_OPTIMISER:
            allowed[self.optimised] = np.maximum(allowed[self.optimised], OPTIMISED)
        beyond = errors > allowed
        if beyond.any() and not a_few_flips(errors, beyond):
            for i in np.argsort(-errors)[: min(3, beyond.sum())]:
                self.found.append(
                    f"{label} of {self.genes[i]}: {a[i]:.17g}, and R has {b[i]:.17g} ({errors[i]:.1e}; {beyond.sum()} such genes)"
                )
        return float(errors.max(initial=0.0))

    def numbers(self, label, ours, theirs):
        a, b = np.atleast_1d(np.asarray(ours, dtype=float)), np.atleast_1d(np.asarray(theirs, dtype=float))
        if a.shape != b.shape or not np.allclose(a, b, rtol=TOLERANCE, atol=0, equal_nan=True):
            self.found.append(f"{label}: {a.tolist()}, and R has {b.tolist()}")


def as_floats(values):
    """R's flags as 0 and 1."""
    flags = {"TRUE": 1.0, "FALSE": 0.0, True: 1.0, False: 0.0}
    known = pd.Series(np.asarray(values, dtype=object)).map(lambda v: np.nan if pd.isna(v) else flags.get(v, v))
    return known.to_numpy(dtype=float)


def errors_of(name, a, b):
    with np.errstate(all="ignore"):
        if name in P_VALUES:
            la, lb = np.log(np.maximum(a, 1e-300)), np.log(np.maximum(b, 1e-300))
            errors = np.abs(la - lb) / np.maximum(1.0, np.abs(lb))
        else:
            errors = np.abs(a - b) / (np.abs(b) + FLOORS.get(name, 1e-6))
            errors[a == b] = 0.0
    if name in DISPERSIONS:
        errors[(a < NEAR_ZERO) & (b < NEAR_ZERO)] = 0.0
    return np.nan_to_num(errors, nan=0.0, posinf=np.inf)


def a_few_flips(errors, beyond):
    n = beyond.sum()
    few = n <= min(FLIPPED, FLIPPED_SHARE * len(errors)) and errors.max() <= FLIPPED_BY
    return few or (n <= FLIPPED_MANY * len(errors) and errors.max() <= FLIPPED_MANY_BY)


def compared(case, fit, table, numbers):
    iterations = table.get("genes/betaIter")
    optimised = (
        np.zeros(len(table), dtype=bool) if iterations is None else (iterations >= OPTIMISED_ITERATIONS).to_numpy()
    )
    check = Comparison(table.index, optimised, 0.0, [])
    assert list(fit.data.gene_names) == list(table.index)
    assert fit.coefficient_names == numbers["names"]
    blocks = {"genes": fit.genes, "coefficients": fit.coefficients, "errors": fit.standard_errors}
    for name, ours in blocks.items():
        for label in [c for c in table if c.startswith(f"{name}/") and not c.endswith("/betaIter")]:
            check.column(label, ours[label.split("/", 1)[1]], table[label])
    compare_numbers(check, fit, numbers)
    for name, arguments in case["results"].items():
        if name in numbers.get("refused", {}):
            continue
        compare_results(check, name, asked(fit, arguments, fit.genes), table, numbers.get("thresholds", {}).get(name))
    return check.found


def compare_numbers(check, fit, numbers):
    if "size_factors" in numbers:
        check.numbers("size factors", fit.size_factors, numbers["size_factors"])
    trend = numbers["trend"]
    if fit.trend.kind != trend["kind"]:
        check.found.append(f"trend: {fit.trend.kind}, and R has {trend['kind']}")
    elif trend["kind"] == "parametric":
        check.numbers("trend", list(fit.trend.coefficients.values()), list(trend["coefficients"].values()))
    check.numbers("prior variance of dispersions", fit.dispersion_prior_variance, trend["prior_variance"])
    if "coefficient_prior" in numbers:
        check.numbers("prior variance of coefficients", fit.beta_prior_variance, numbers["coefficient_prior"])


def compare_results(check, name, ours, table, threshold):
    check.limit = 0.0
    for label in [c for c in table if c.startswith(f"{name}/")]:  # pvalue comes before padj
        worst = check.column(label, ours.table[label.split("/")[1]], table[label])
        if label.endswith("/pvalue"):
            check.limit = min(2 * worst, 0.02)  # one flipped p-value moves its neighbours' adjusted ones as far
    if threshold is not None:
        check.numbers(f"{name}: filter threshold", ours.metadata["filter_threshold"], threshold)


# ---------------------------------------------------------------------------------------------------- the tests
@pytest.mark.parametrize("name", FITTED)
def test_every_column_is_r_s(name):
    case, numbers = CASES[name], json.loads((HERE / f"tables/{name}.json").read_text())
    found = compared(case, fitted(case), read(HERE / f"tables/{name}.tsv.gz"), numbers)
    assert not found, f"{len(found)} differences from R in the case '{name}':\n  " + "\n  ".join(found[:30])


@pytest.mark.parametrize("name", REFUSED)
def test_where_r_stops_so_do_we(name):
    assert json.loads((HERE / f"tables/{name}.json").read_text())["error"]
    with pytest.raises(fw.FoldwiseError):
        fitted(CASES[name])


@pytest.mark.parametrize("name", [name for name in FITTED if "refuse" in name])
def test_what_r_refuses_of_a_fit_is_refused(name):
    fit = fitted(CASES[name])
    refused = json.loads((HERE / f"tables/{name}.json").read_text())["refused"]
    for comparison in refused:
        with pytest.raises(fw.FoldwiseError):
            asked(fit, CASES[name]["results"][comparison], fit.genes)
            pytest.fail(f"'{comparison}' was answered, and R says: {refused[comparison]}")
