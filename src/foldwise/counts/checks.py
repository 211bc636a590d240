"""Are these counts? Bad values never become numbers: each refusal names the gene and the sample."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.counts.labels import Stored
from foldwise.counts.sources import DenseCounts, SparseCounts, StoredCounts
from foldwise.errors import CountsError, OptionError, SamplesError, listed
from foldwise.execution.blocks import CountSource

LARGEST_COUNT = 2.0**53  # beyond it float64 skips whole numbers
BLOCK = 4096
COMPLEX = "The counts are complex numbers: take their real parts (counts.real), if those are the counts."


def checked_matrix(matrix: Any, genes: pd.Index, samples: pd.Index) -> CountSource:
    """Counts as a source of blocks, every value looked at.

    Raises
    ------
    CountsError
        Negative, fractional, missing, infinite, text or too large values (which gene, which sample); no gene; only zeros.
    """
    if matrix.matrix.shape[1] == 0 if isinstance(matrix, Stored) else matrix.shape[0] == 0:
        raise CountsError("The count table has no genes.")
    if isinstance(matrix, Stored):
        source: CountSource = _checked_store(StoredCounts(matrix.matrix), genes, samples)
    elif hasattr(matrix, "tocsr"):
        source = _checked_sparse(matrix, genes, samples)
    else:
        source = _checked_dense(numeric_values(matrix, genes, samples), genes, samples)
    return source


def numeric_values(matrix: Any, genes: pd.Index, samples: pd.Index) -> np.ndarray[Any, Any]:
    """A table's or array's values as numbers.

    Raises
    ------
    CountsError
        For text; names the first gene and sample that hold it.
    """
    if isinstance(matrix, pd.DataFrame):
        kinds = set(matrix.dtypes)
        if len(kinds) == 1 and isinstance(kind := kinds.pop(), np.dtype) and kind.kind in "iufb":
            return matrix.to_numpy()
        columns = [_numeric_column(matrix.iloc[:, j], genes, samples[j]) for j in range(matrix.shape[1])]
        return np.column_stack(columns) if columns else np.empty(matrix.shape)
    values = np.asarray(matrix)
    if values.dtype.kind in "iufb":
        return values
    if values.dtype.kind == "c":
        raise CountsError(COMPLEX)
    frame = pd.DataFrame(values)
    return np.column_stack([_numeric_column(frame.iloc[:, j], genes, samples[j]) for j in range(values.shape[1])])


def _numeric_column(column: pd.Series, genes: pd.Index, sample: str) -> np.ndarray[Any, Any]:
    if pd.api.types.is_complex_dtype(column.dtype):
        raise CountsError(COMPLEX)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if column.map(lambda v: isinstance(v, str)).any() or not pd.api.types.is_object_dtype(column.dtype):
        at = int(np.argmax(column.map(lambda v: isinstance(v, str)).to_numpy()))
        raise CountsError(
            f"Sample '{sample}' holds text where counts are expected: {column.iloc[at]!r} for gene '{genes[at]}'. "
            "Read the table so that this column is numeric; annotation columns belong into genes=."
        )
    column = column.map(lambda v: float(v) if isinstance(v, Fraction) else v)
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)


def _checked_dense(values: np.ndarray[Any, Any], genes: pd.Index, samples: pd.Index) -> DenseCounts:
    any_positive, largest = False, 0.0
    for start in range(0, values.shape[0], BLOCK):
        block = values[start : start + BLOCK]
        _check_block(block, genes[start : start + BLOCK], samples)
        largest = max(largest, float(block.max(initial=0)))
        any_positive = any_positive or bool(block.any())
    _not_all_zero(any_positive)
    kind = np.int32 if largest < 2**31 else np.float64
    stored = np.array(values, dtype=kind, order="C", copy=True)
    stored.flags.writeable = False
    return DenseCounts(stored)


def _checked_sparse(matrix: Any, genes: pd.Index, samples: pd.Index) -> SparseCounts:
    # One conversion, into rows of genes; explicit zeros, unsorted or repeated indices and wide index types all pass.
    rows = matrix.tocsr().copy()
    rows.sum_duplicates()
    data = np.asarray(rows.data)
    if data.dtype.kind not in "iufb":
        raise CountsError(f"The sparse counts hold {data.dtype}, not numbers.")
    bad = _bad_values(data)
    if bad.any():
        at = int(np.argmax(bad))
        gene = int(np.searchsorted(rows.indptr, at, side="right")) - 1
        _refuse(data[at], genes[gene], samples[int(rows.indices[at])], int(bad.sum()))
    _not_all_zero(bool(data.any()))
    largest = float(data.max(initial=0))
    return SparseCounts(rows.astype(np.int32 if largest < 2**31 else np.float64))


def _checked_store(source: StoredCounts, genes: pd.Index, samples: pd.Index) -> StoredCounts:
    any_positive = False
    step = int(np.clip((1 << 23) // max(source.shape[1], 1), 64, BLOCK))
    for start in range(0, source.shape[0], step):
        block = source.read(start, min(start + step, source.shape[0]))
        _check_block(block, genes[start : start + step], samples)
        any_positive = any_positive or bool(block.any())
    _not_all_zero(any_positive)
    return source


def _bad_values(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if values.dtype.kind in "bu":
        return values > LARGEST_COUNT
    if values.dtype.kind == "i":
        return (values < 0) | (values > LARGEST_COUNT)
    with np.errstate(invalid="ignore"):
        return ~((values >= 0) & (values <= LARGEST_COUNT) & (values == np.floor(values)))


def _check_block(block: np.ndarray[Any, Any], genes: pd.Index, samples: pd.Index) -> None:
    bad = _bad_values(block)
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        _refuse(block[i, j], genes[i], samples[j], int(bad.sum()))


def _refuse(value: Any, gene: str, sample: str, how_many: int) -> None:
    value = float(value)
    where = f"gene '{gene}', sample '{sample}'"
    more = "" if how_many == 1 else f" ({how_many} such values in this part of the table)"
    if np.isnan(value):
        raise CountsError(
            f"A count is missing (NA) at {where}{more}. Every gene needs a count in every sample: 0 if none."
        )
    if np.isinf(value):
        raise CountsError(f"A count is infinite at {where}{more}.")
    if value < 0:
        raise CountsError(
            f"A count is negative: {value:g} at {where}{more}. Counts of reads cannot be below 0; logs can."
        )
    if value > LARGEST_COUNT:
        raise CountsError(f"A count is beyond 2^53: {value:g} at {where}{more}. Such numbers are no longer exact.")
    raise CountsError(
        f"A count is not a whole number: {value!r} at {where}{more}. The model is for raw counts, not normalized values, "
        "TPM or FPKM. If all you have is a table of DESeq2-normalized counts, see foldwise.recover_counts(); "
        "for estimated counts of salmon, kallisto or RSEM use foldwise.read_tximport()."
    )


def _not_all_zero(any_positive: bool) -> None:
    if not any_positive:
        raise CountsError(
            "All samples have 0 counts for all genes: check the counting step (annotation, strandedness)."
        )


def checked_size_factors(values: Any, sample_names: pd.Index) -> pd.Series | None:
    """The user's size factors as a Series by sample.

    Raises
    ------
    SamplesError
        If samples are missing from them.
    OptionError
        If one is not finite and positive; names the sample.
    """
    if values is None:
        return None
    if np.isscalar(values):
        values = np.full(len(sample_names), values, dtype=float)
    series = pd.Series(values) if isinstance(values, Mapping) else values
    if isinstance(series, pd.Series):
        series = series.set_axis(series.index.map(str))
        absent = sample_names.difference(series.index, sort=False)
        if len(absent):
            raise SamplesError(f"size_factors has no value for: {listed(absent)}.")
        series = series.loc[sample_names]
    elif len(series) != len(sample_names):
        raise SamplesError(f"size_factors has {len(series)} values for {len(sample_names)} samples.")
    try:
        numbers = np.array(series, dtype=float)  # never the array that the user goes on with
    except (TypeError, ValueError):
        raise OptionError("size_factors must be numbers, one a sample.") from None
    if numbers.ndim != 1:
        raise SamplesError(f"size_factors must be one number a sample; got {' x '.join(map(str, numbers.shape))}.")
    bad = ~(np.isfinite(numbers) & (numbers > 0))
    if bad.any():
        raise OptionError(
            f"Size factors must be finite and positive; sample '{sample_names[bad][0]}' has {float(numbers[bad][0])!r}."
        )
    return pd.Series(numbers, index=sample_names, name="sizeFactor")


def checked_per_gene_and_sample(
    values: Any, what: str, *, positive: bool, gene_names: pd.Index, sample_names: pd.Index
) -> FloatArray | None:
    """A genes x samples input beside the counts, in the counts' order.

    Raises
    ------
    CountsError
        If labels or sizes do not match the counts.
    OptionError
        If a value is missing, infinite, or (below) zero; names gene and sample.
    """
    if values is None:
        return None
    if isinstance(values, pd.DataFrame):
        values = _in_order(values, what, gene_names, sample_names)
    shape = (len(gene_names), len(sample_names))
    try:
        numbers = np.array(values, dtype=np.float64, order="C", copy=True)
    except (TypeError, ValueError):
        raise OptionError(f"{what} must hold numbers only.") from None
    if numbers.shape != shape:
        raise CountsError(
            f"{what} must be genes x samples, {shape[0]} x {shape[1]}; got {' x '.join(map(str, numbers.shape))}."
        )
    bad = ~(np.isfinite(numbers) & ((numbers > 0) if positive else (numbers >= 0)))
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        asked = "finite and positive" if positive else "finite and not negative"
        raise OptionError(
            f"{what} must be {asked}; gene '{gene_names[i]}', sample '{sample_names[j]}' has {float(numbers[i, j])!r}"
            + (f" ({int(bad.sum())} such values)." if bad.sum() > 1 else ".")
        )
    numbers.flags.writeable = False
    return numbers


def _in_order(values: pd.DataFrame, what: str, gene_names: pd.Index, sample_names: pd.Index) -> pd.DataFrame:
    values = values.set_axis(values.index.map(str), axis=0).set_axis(values.columns.map(str), axis=1)
    for mine, theirs, side in ((gene_names, values.index, "genes"), (sample_names, values.columns, "samples")):
        absent = mine.difference(theirs, sort=False)
        if len(absent):
            raise CountsError(f"{what} lacks {len(absent)} {side} of the counts: {listed(absent)}.")
        if not theirs.is_unique:
            raise CountsError(f"{what} names {side} more than once: {listed(theirs[theirs.duplicated()])}.")
    return values.loc[gene_names, sample_names]
