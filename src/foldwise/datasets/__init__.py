"""Real data that come with the package, to try things on.

pasilla : Brooks et al. (2011), Genome Research 21:193-202; GEO GSE18508. Drosophila S2 cells, *pasilla* knocked down by
    RNA interference (3 treated, 4 untreated; single-read and paired-end libraries). 14,599 genes.
airway : Himes et al. (2014), PLoS ONE 9:e99625; GEO GSE52778. Human airway smooth muscle of four donors, with and
    without dexamethasone. 33,469 genes with counts.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from foldwise.counts import CountData

_LEVELS = {
    "pasilla": {"condition": ["untreated", "treated"], "type": ["single-read", "paired-end"]},
    "airway": {"dex": ["untrt", "trt"], "cell": ["N052611", "N061011", "N080611", "N61311"]},
}


def pasilla() -> CountData:
    """Knock-down of *pasilla* in Drosophila cells: 14,599 genes x 7 samples, columns condition and type."""
    return _dataset("pasilla")


def airway() -> CountData:
    """Dexamethasone on human airway smooth muscle: 33,469 genes x 8 samples, columns cell (donor) and dex."""
    return _dataset("airway")


def _dataset(name: str) -> CountData:
    from foldwise.counts import CountData

    folder = files(__name__) / "data"
    with as_file(folder / f"{name}.counts.tsv.gz") as path:
        counts = pd.read_csv(path, sep="\t", index_col=0)
    with as_file(folder / f"{name}.samples.tsv") as path:
        samples = pd.read_csv(path, sep="\t", index_col=0, dtype=str)
    for column, levels in _LEVELS[name].items():
        samples[column] = pd.Categorical(samples[column], levels)
    for column in samples.columns.difference(list(_LEVELS[name])):
        samples[column] = pd.to_numeric(samples[column])
    return CountData(counts, samples, provenance=(f"the data set '{name}' that comes with foldwise",))
