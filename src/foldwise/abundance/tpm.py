"""Transcripts per million."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.abundance.count_table import count_table, library_sizes
from foldwise.abundance.lengths import gene_lengths
from foldwise.arguments import checked

MILLION = 1e6


@checked
def tpm(data: Any, *, lengths: Any = None) -> pd.DataFrame:
    """Transcripts per million: counts per base, as shares of the sample's total.

    ==================  ==============================================================================
    accounts for        sequencing depth and gene length
    may compare         genes within a sample; samples of the same sample group
    may not             compare groups whose RNA composition differs: shares of a total
    in the test         no: the test takes the counts themselves
    ==================  ==============================================================================

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
    lengths : bases; a Series by gene or a genes x samples DataFrame of average lengths. With None, average lengths or
        a length column that came with the data.

    Returns
    -------
    DataFrame, genes x samples; every column sums to one million.

    Raises
    ------
    CountsError
        A gene without a positive length; a sample without reads.

    References
    ----------
    Li and Dewey (2011), BMC Bioinformatics 12:323.
    """
    table = count_table(data)
    library_sizes(table)
    rate = table.values / gene_lengths(table, lengths)
    return table.frame(np.asarray(MILLION * rate / rate.sum(axis=0), dtype=np.float64))
