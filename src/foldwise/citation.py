"""What to cite."""

from __future__ import annotations

from foldwise.errors import OptionError, listed

_WORKS = {
    "method": "Love MI, Huber W, Anders S (2014). Moderated estimation of fold change and dispersion for RNA-seq data "
    "with DESeq2. Genome Biology 15:550. doi:10.1186/s13059-014-0550-8",
    "apeglm": "Zhu A, Ibrahim JG, Love MI (2019). Heavy-tailed prior distributions for sequence count data: removing "
    "the noise and preserving large differences. Bioinformatics 35:2084-2092. doi:10.1093/bioinformatics/bty895",
    "ashr": "Stephens M (2017). False discovery rates: a new deal. Biostatistics 18:275-294. "
    "doi:10.1093/biostatistics/kxw041",
    "tximport": "Soneson C, Love MI, Robinson MD (2015). Differential analyses for RNA-seq: transcript-level estimates "
    "improve gene-level inferences. F1000Research 4:1521. doi:10.12688/f1000research.7563.2",
    "glmGamPoi": "Ahlmann-Eltze C, Huber W (2020). glmGamPoi: fitting Gamma-Poisson generalized linear models on "
    "single cell count data. Bioinformatics 36:5701-5702. doi:10.1093/bioinformatics/btaa1009",
    "TMM": "Robinson MD, Oshlack A (2010). A scaling normalization method for differential expression analysis of "
    "RNA-seq data. Genome Biology 11:R25. doi:10.1186/gb-2010-11-3-r25",
}


def cite(*parts: str) -> str:
    """References for the method and, by name, for parts of it: "apeglm", "ashr", "tximport", "glmGamPoi", "TMM".

    >>> "Love" in cite()
    True
    """
    from foldwise import __version__

    unknown = [part for part in parts if part not in _WORKS]
    if unknown:
        raise OptionError(f"No reference is kept for {listed(unknown)}; known are {listed(_WORKS, 20)}.")
    ours = f"foldwise {__version__}: the DESeq2 method in Python."
    return "\n".join([ours, _WORKS["method"], *[_WORKS[part] for part in parts if part != "method"]])
