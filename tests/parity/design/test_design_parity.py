"""Designs, coefficient names and descriptions against R's own (made by make_tables.R)."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldwise.design import build_design, design_matrix
from foldwise.design.contrasts import resolve_contrast
from foldwise.errors import FoldwiseError

HERE = Path(__file__).parent
MATRICES = json.loads(gzip.open(HERE / "model_matrices.json.gz", "rt").read())
NAMES = json.loads((HERE / "names.json").read_text())

# Where R answers and we refuse, on purpose.
REFUSED = {
    "~ T": "the same for every sample",
    "~ pi": "the same for every sample",
    "~ c(x)": "the same for every sample",
    "~ I(x^2^0.5)": "not finite",  # R drops the samples whose value is missing
    "~ offset(x)+a": "normalization factors",  # R drops the offset
    "~ a|b": "mixed models",
    "~ as.integer(a)": "cannot use the function",
    "~ round(x)": "cannot use the function",
    "~ factor(round(x))": "cannot use the function",
    "~ ordered(c)": "cannot use the function",
}


@pytest.fixture(scope="module")
def samples() -> pd.DataFrame:
    table = pd.read_csv(HERE / "samples.tsv", sep="\t", index_col=0)
    return table.astype({"n": float})


@pytest.mark.parametrize("case", MATRICES, ids=lambda case: case["formula"])
def test_model_matrix(case, samples):
    if "error" in case or case["formula"] in REFUSED:
        with pytest.raises(FoldwiseError, match=REFUSED.get(case["formula"])):
            design_matrix(case["formula"], samples)
        return
    made = design_matrix(case["formula"], samples)
    assert list(made.columns) == case["names"]
    np.testing.assert_allclose(made.to_numpy(), np.array(case["values"], dtype=float).T, rtol=1e-11, atol=1e-12)


def _arguments(args) -> dict:
    asked = dict(args)
    contrast = asked.get("contrast")
    if isinstance(contrast, dict):
        asked["contrast"] = contrast["numeric"]
    elif contrast and len(contrast) == 2:  # R's list of two
        asked["contrast"] = tuple(side if isinstance(side, list) else [side] for side in contrast)
    if "listValues" in asked:
        asked["list_values"] = asked.pop("listValues")
    return asked


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case["design"] + " expanded" * case["expanded"])
def test_coefficient_names_and_descriptions(case, samples):
    def build():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of badly scaled columns, which R only tells
            return build_design(case["design"], samples, expanded=case["expanded"])

    if "error" in case:
        with pytest.raises(FoldwiseError) as caught:
            build()
        assert case["error"][:40].lower() in str(caught.value).lower()
        return
    design = build()
    assert list(design.names) == case["names"]
    for asked in case["results"]:
        arguments = _arguments(asked["args"])
        if "error" in asked:
            with pytest.raises(FoldwiseError):
                resolve_contrast(design, **arguments)
        else:
            assert resolve_contrast(design, **arguments).description == asked["description"]
