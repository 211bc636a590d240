"""``normalized_counts.tsv``: genes x samples, and of a large experiment the one big file, so it is written in bulk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray

DIGITS = 10  # significant; recover-counts finds the counts in them; the rest of a double's 17 is noise
CELLS_AT_ONCE = 20_000_000  # bounds the memory of the texts


def write_normalized(table: pd.DataFrame, path: Path) -> None:
    """Normalized counts as text of ``DIGITS`` significant digits; missing values are ``NA``."""
    from foldwise.io.writers import table_text

    table = table.rename_axis("gene")
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.write(table_text(table.iloc[:0]))
        genes = max(1, CELLS_AT_ONCE // max(1, table.shape[1]))
        for begin in range(0, len(table), genes):
            part = table.iloc[begin : begin + genes]
            columns = [_texts(values) for values in part.to_numpy(dtype=float).T]
            out.writelines("\t".join(row) + "\n" for row in zip(_labels(part.index), *columns, strict=True))


def _labels(index: pd.Index) -> list[str]:
    """Gene names, quoted where ``write_table`` quotes them."""
    from foldwise.io.writers import table_text

    odd = index.astype(str).str.contains(r'[\t"\r\n]|^\s|\s$')
    names = [str(name) for name in index]
    for at in np.flatnonzero(odd):
        names[at] = table_text(pd.DataFrame(index=[names[at]]), header=False)[:-1]
    return names


def _texts(values: FloatArray) -> list[str]:
    """A sample's values; each different one is formatted once, for most genes share their small counts with others."""
    found, at = np.unique(values, return_inverse=True)
    texts = (f"%.{DIGITS}g\n" * len(found) % tuple(found.tolist())).split("\n")[:-1]
    if np.isnan(found).any():
        texts = ["NA" if text == "nan" else text for text in texts]
    answer: list[str] = np.array(texts, dtype=object)[at].tolist()
    return answer
