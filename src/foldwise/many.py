"""Many small fits in one call: a cell type, a guide, a tissue each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from foldwise.api import deseq
from foldwise.arguments import checked
from foldwise.counts import CountData
from foldwise.errors import FoldwiseError, OptionError, listed
from foldwise.execution.progress import progress_callback
from foldwise.execution.threads import available_threads
from foldwise.fit import Fit
from foldwise.frozen import unchangeable
from foldwise.options import check_passed_on
from foldwise.warn import warn


@unchangeable
@dataclass(frozen=True, slots=True, repr=False)
class ManyFits(Mapping[str, Fit]):
    """Fits by name, in the order of the data; what could not be fitted is in ``errors``.

    fits : by name. errors : name → why that one could not be fitted.
    """

    fits: Mapping[str, Fit]
    errors: Mapping[str, FoldwiseError] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Fit:
        if name in self.errors:
            raise KeyError(f"{name!r} could not be fitted: {_one_line(self.errors[name])}") from self.errors[name]
        return self.fits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def __repr__(self) -> str:
        failed = f"; could not be fitted (see .errors): {listed(self.errors)}" if self.errors else ""
        return f"ManyFits({len(self)} fit{'' if len(self) == 1 else 's'}: {listed(self)}{failed})"

    @checked
    def results(self, contrast: Any = None, *, label: str = "fit", **options: Any) -> pd.DataFrame:
        """One tidy table: a row a gene and fit, the fit's name in the column ``label``. Options as for ``Fit.results``.

        Adjusted p-values are those of each fit, as R would give them one by one.
        """
        return self._one_table(lambda fit: fit.results(contrast, **options).table, label)

    @checked
    def shrink(self, coef: Any = None, contrast: Any = None, *, label: str = "fit", **options: Any) -> pd.DataFrame:
        """Shrunken fold changes of all fits, as one tidy table like that of ``results``. Options as for ``Fit.shrink``.

        Each fit has a prior of its own.
        """
        return self._one_table(lambda fit: fit.shrink(coef, contrast, **options).table, label)

    def _one_table(self, asked: Callable[[Fit], pd.DataFrame], label: str) -> pd.DataFrame:
        tables = []
        for name, fit in self.fits.items():
            try:
                table = asked(fit).rename_axis("gene").reset_index()
            except FoldwiseError as error:
                error.add_note(f"(in the fit of {name!r})")
                raise
            if label in table:
                raise OptionError(f"label={label!r} is a column of the tables themselves: choose another name.")
            table.insert(0, label, name)
            tables.append(table)
        if not tables:
            raise OptionError("None of the data could be fitted; see .errors for why.")
        return pd.concat(tables, ignore_index=True)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


@checked
def deseq_many(
    data: Mapping[str, CountData],
    design: Any,
    *,
    keep_going: bool = False,
    executor: int | None = None,
    progress: Any = None,
    **options: Any,
) -> ManyFits:
    """Fit the same design to many data sets, several at once, start-up paid once.

    Parameters
    ----------
    data : name → CountData, e.g. what :func:`foldwise.pseudobulk` gives with ``groups=``.
    design : for all of them, a formula; or name → design.
    keep_going : put data that cannot be fitted into ``errors`` instead of stopping at the first; one warning at the end
        says which.
    executor : how many fits run at once; all cores by default. Each is the same bits as alone.
    progress : as for :func:`foldwise.deseq`; counts fits.
    options : as for :func:`foldwise.deseq`.

    Returns
    -------
    ManyFits
        A mapping of fits; ``.results(contrast)`` and ``.shrink(coef)`` make one table of all.

    Raises
    ------
    FoldwiseError
        The first that a fit raises, with the name of its data, unless ``keep_going``.

    Examples
    --------
    >>> import foldwise as fw
    >>> parts = {f"type{k}": fw.simulate(n_genes=50, n_samples=6, seed=k).data for k in range(3)}
    >>> fits = fw.deseq_many(parts, "~ condition", progress=False)
    >>> fits.results(("condition", "B", "A")).groupby("fit").size().tolist()
    [50, 50, 50]
    """
    if not isinstance(data, Mapping) or not data:
        raise OptionError("deseq_many takes a mapping: name → CountData, with at least one.")
    if executor is not None and not (isinstance(executor, int) and not isinstance(executor, bool) and executor > 0):
        raise OptionError(
            f"executor={executor!r}: how many fits run at once, a positive number, or None for all cores."
        )
    check_passed_on(deseq_many, options, deseq, fixed="samples")
    designs = design if isinstance(design, Mapping) else dict.fromkeys(data, design)
    missing = [name for name in data if name not in designs]
    if missing:
        raise OptionError(f"design has none for {missing[0]!r}; it needs one for each name of the data.")
    tell = progress_callback(progress)
    fits: dict[str, Fit] = {}
    errors: dict[str, FoldwiseError] = {}

    def one(name: str) -> Fit | FoldwiseError:
        try:
            return deseq(data[name], designs[name], executor="serial", progress=False, **options)
        except FoldwiseError as error:
            error.add_note(f"(in the data set {name!r})")
            return error

    with ThreadPoolExecutor(executor or available_threads(), thread_name_prefix="foldwise") as pool:
        for done, (name, answer) in enumerate(zip(data, pool.map(one, data), strict=True), start=1):
            if isinstance(answer, Fit):
                fits[name] = answer
            elif keep_going:
                errors[name] = answer
            else:
                pool.shutdown(wait=False, cancel_futures=True)
                raise answer
            if tell is not None:
                tell("fits", done, len(data))
    if errors:
        warn(
            f"{len(errors)} of {len(data)} could not be fitted: {listed(errors)} (fits.errors has the reasons; the first: "
            f"{_one_line(next(iter(errors.values())))})"
        )
    return ManyFits(fits, errors)
