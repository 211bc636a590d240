"""PyDESeq2's common path: ``DeseqDataSet`` and ``DeseqStats`` over foldwise. A script changes its imports only.

    from foldwise.compat.pydeseq2.dds import DeseqDataSet
    from foldwise.compat.pydeseq2.ds import DeseqStats
    from foldwise.compat.pydeseq2.default_inference import DefaultInference

The numbers are DESeq2's, as everywhere in foldwise, and so differ from PyDESeq2's where it differs from R (standard
errors, prior variance, convergence). Its ways are kept: counts are samples x genes, coefficients are called
``condition[T.treated]``, ``varm["LFC"]`` is in natural logarithms, ``alpha`` is 0.05. Its private members and plug-in
``Inference`` classes are not there. ``dds.fit`` is the foldwise fit, with everything that PyDESeq2 lacks.
"""

from foldwise.compat.pydeseq2.dds import DeseqDataSet
from foldwise.compat.pydeseq2.default_inference import DefaultInference
from foldwise.compat.pydeseq2.ds import DeseqStats

__all__ = ["DefaultInference", "DeseqDataSet", "DeseqStats"]
