"""Files that a command reads: named, or standard input, which is put aside so that any format and a checksum will do."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

    from foldwise.counts import CountData
    from foldwise.fit import Fit

STDIN = "standard-input"
SAVED = "fit.foldwise"
QUANTIFIERS = {  # what tximport reads, which needs more said than a command line takes
    "salmon": ("quant.sf", "*.quant.sf"),
    "kallisto": ("abundance.tsv", "abundance.h5"),
    "rsem": ("*.genes.results", "*.isoforms.results"),
}


class InputPath(click.Path):
    """A file or folder that is there, or ``-``."""

    def __init__(self, *, dir_okay: bool = True) -> None:
        super().__init__(exists=True, allow_dash=True, dir_okay=dir_okay)


@contextmanager
def readable(*paths: str | None) -> Iterator[list[str | None]]:
    """Paths of the same content that can be read more than once; streams are copied to a temporary folder.

    Raises
    ------
    BadParameter
        If standard input is asked for twice.
    """
    if paths.count("-") > 1:
        raise click.BadParameter("Standard input ('-') can be only one of the inputs.")
    with tempfile.TemporaryDirectory(prefix="foldwise-") as folder:
        yield [None if path is None else _copied(path, Path(folder)) for path in paths]


def _copied(path: str, folder: Path) -> str:
    if path == "-":
        target = folder / STDIN
        with target.open("wb") as out:
            shutil.copyfileobj(sys.stdin.buffer, out)
        return str(target)
    if Path(path).is_fifo() or Path(path).is_char_device():  # <(zcat counts.gz)
        target = folder / Path(path).name
        with open(path, "rb") as stream, target.open("wb") as out:
            shutil.copyfileobj(stream, out)
        return str(target)
    return path


@dataclass(frozen=True, slots=True)
class Reading:
    """How the two tables are to be read."""

    layer: str | None = None
    sample_column: str | None = None
    gene_column: str | None = None
    drop_unlisted: bool = False
    round_counts: bool = False
    factors: tuple[str, ...] = field(default=())


def read_inputs(counts: str, samples: str | None, how: Reading) -> CountData:
    """Counts and samples, put together; columns of numbers made categories where asked."""
    from foldwise.errors import SamplesError
    from foldwise.io import read_counts, read_samples

    if samples is None:
        return _with_own_samples(counts, how)
    table = read_samples(samples, sample_column=how.sample_column)
    options: dict[str, Any] = {"layer": how.layer} if how.layer else {}
    if how.gene_column is not None:
        options["gene_column"] = how.gene_column
    unlisted: Any = "drop" if how.drop_unlisted else "error"
    try:
        if _is_folder_of_samples(counts):
            data: Any = _of_folder(counts, table, unlisted, how)
        else:
            data = read_counts(counts, table, unlisted=unlisted, round_counts=how.round_counts, **options)
    except SamplesError as error:
        raise _lacking_gene_column(counts, table, how) or error from error
    if how.drop_unlisted:  # pipelines expect the order of the sheet
        data = data.select(samples=[name for name in table.index if name in data.sample_names])
    notes = (*table.attrs.get("provenance", ()), *data.provenance)
    data = data._with(provenance=tuple(dict.fromkeys(notes)))
    return with_factors(data, how.factors) if how.factors else data


def _lacking_gene_column(counts: str, samples: pd.DataFrame, how: Reading) -> Exception | None:
    """What to say where the column that was taken as gene names is a sample; None where it is not."""
    from foldwise.errors import SamplesError
    from foldwise.io import read_count_table
    from foldwise.io.read_report import source_name

    if Path(counts).is_dir() or how.layer is not None:
        return None
    taken = str(read_count_table(counts, gene_column=how.gene_column).counts.index.name)
    if taken not in samples.index.astype(str):
        return None
    which = "the first column" if how.gene_column is None else "the column"
    return SamplesError(
        f"{source_name(counts)}: {which}, '{taken}', was taken as gene names, but it is a sample of the sample "
        "table. Is the column of gene names missing? Write the table with one, or name it with --features-id-col."
    )


def _is_folder_of_samples(counts: str) -> bool:
    """A folder of one file a sample (STAR, htseq-count), not of one matrix (10x, zarr)."""
    folder = Path(counts)
    return folder.is_dir() and not any(
        (folder / name).exists() for name in ("matrix.mtx", "matrix.mtx.gz", ".zgroup", "zarr.json")
    )


def _of_folder(counts: str, samples: Any, unlisted: Any, how: Reading) -> Any:
    from foldwise.errors import OptionError
    from foldwise.io import read_htseq, read_star

    if (program := _quantifier(Path(counts))) is not None:
        raise OptionError(
            f"{counts} holds what {program} writes, estimates of transcripts or genes, a file a sample. They are put "
            f'together in Python, where lengths are kept as offsets: fw.read_tximport("{counts}", '
            f'type="{program}", …). The command line takes a table of all samples (tximport\'s counts, or '
            "nf-core/rnaseq's gene_counts.tsv) with --round."
        )
    if any("ReadsPerGene.out.tab" in path.name for path in Path(counts).rglob("*")):
        return read_star(counts, samples, unlisted=unlisted)
    return read_htseq(counts, samples, unlisted=unlisted, round_counts=how.round_counts)


def _quantifier(folder: Path) -> str | None:
    """The program whose estimates lie in a folder, or None."""
    for program, patterns in QUANTIFIERS.items():
        if any(next(folder.rglob(f"{pattern}{ending}"), None) for pattern in patterns for ending in ("", ".gz")):
            return program
    return None


def _with_own_samples(counts: str, how: Reading) -> CountData:
    """Files that carry a sample table (h5ad, rds)."""
    from foldwise.counts import CountData
    from foldwise.io import read_counts

    data = read_counts(counts, layer=how.layer, round_counts=how.round_counts)
    if not isinstance(data, CountData):
        raise click.UsageError(f"Missing SAMPLES: {counts} holds counts only. Give a table with one row a sample.")
    return with_factors(data, how.factors) if how.factors else data


def with_factors(data: CountData, columns: tuple[str, ...], option: str = "--factor") -> CountData:
    """Columns of numbers taken as categories, in numeric order, labelled as R labels them."""
    return data._with(samples=categories(data.samples, columns, option))


def categories(table: pd.DataFrame, columns: tuple[str, ...], option: str = "--factor") -> pd.DataFrame:
    """A sample table whose columns of numbers are categories."""
    import pandas as pd

    from foldwise.design.formula.names import level_text
    from foldwise.errors import SamplesError, listed

    samples = table.copy()
    for column in columns:
        if column not in samples:
            raise SamplesError(f"{option} {column}: the sample table has the columns {listed(samples.columns, 20)}.")
        if isinstance(samples[column].dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(samples[column]):
            continue
        levels = sorted(samples[column].dropna().unique())
        labels = [level_text(level) for level in levels]
        samples[column] = pd.Categorical(samples[column], levels).rename_categories(labels)
    return samples


def saved_fit(path: str, threads: int | None, progress: Any) -> Fit:
    """The fit that ``run --save-fit`` wrote: the file, or the folder that it lies in."""
    from foldwise.errors import OptionError
    from foldwise.fit import Fit
    from foldwise.io import load

    where = Path(path)
    if where.is_dir():
        found = [where / SAVED] if (where / SAVED).exists() else sorted(where.glob("*.foldwise"))
        if len(found) != 1:
            what = "no saved fit (run with --save-fit)" if not found else f"{len(found)} saved fits: name one"
            raise OptionError(f"{path} holds {what}.")
        where = found[0]
    fit = load(where)
    if not isinstance(fit, Fit):
        raise OptionError(f"{where} holds a {type(fit).__name__}, not a fit.")
    return fit.with_executor(threads, progress)


def checksums(paths: Mapping[str, str | None]) -> dict[str, str | None]:
    """SHA-256 of each file; None for folders."""
    return {name: checksum(Path(path)) for name, path in paths.items() if path is not None}


def checksum(path: Path) -> str | None:
    """SHA-256 of a file; None for folders."""
    import hashlib

    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for part in iter(lambda: stream.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()
