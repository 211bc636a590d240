"""Files in and out: readers for what counting programs write, AnnData, R's files, exports, saved fits.

``read_counts`` tells a file by its content. Each program's own reader, and what is behind it, has a file of its own;
``read_count_table`` and its kin give a ``CountTable``, which becomes a ``CountData`` when it meets its samples.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "counts_file": ("read_counts", "read_count_table"),
    "count_table": ("CountTable",),
    "sample_table": ("read_samples",),
    "featurecounts": ("read_featurecounts",),
    "htseq": ("read_htseq",),
    "star": ("read_star",),
    "tximport": ("read_tximport", "transcript_estimates"),
    "rds": ("read_rds",),
    "ten_x": ("read_10x",),
    "cell_sums": ("pseudobulk",),
    "writers": ("write_table",),
    "atomic": ("write_atomically",),
    "exports": ("to_decoupler", "to_pertpy", "to_rnk", "to_scanpy"),
    "saved_fit": ("SavedFitError", "load_arrays", "save_arrays"),
    "fit_files": ("load", "save_fit"),
}
_HOME = {name: room for room, names in _WHERE.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'foldwise.io' has no attribute {name!r}")
    return getattr(importlib.import_module(f"foldwise.io.{_HOME[name]}"), name)
