"""R's general optimisers, to the last bit: where an estimate is "where the optimiser stopped", its path is the method.

``lbfgsb`` (with ``limited_memory``, ``cauchy``, ``subspace``, ``line_search``), ``nelder_mead``, ``bfgs``, ``brent``
know nothing of genes. ``density`` and ``extended_sum`` compute a negative binomial likelihood with R's bits,
``linpack`` the least squares it starts from; ``negative_binomial`` puts them together for one gene.
"""
