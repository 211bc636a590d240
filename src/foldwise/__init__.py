"""Differential expression for count data: the DESeq2 method in Python, identical to R in its numbers."""

__version__ = "0.1.0"
