"""What a user may choose, and the constants of the method with their sources."""

from __future__ import annotations

import difflib
import inspect
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

from foldwise.errors import OptionError, listed

Test = Literal["Wald", "LRT"]
FitType = Literal["parametric", "local", "mean", "glmGamPoi"]
SizeFactorType = Literal["ratio", "poscounts", "iterate"]
ModelMatrixType = Literal["standard", "expanded"]
AltHypothesis = Literal["greaterAbs", "greaterAbs2014", "lessAbs", "greater", "less"]
ShrinkageType = Literal["apeglm", "ashr", "normal"]
PAdjustMethod = Literal["BH", "BY", "fdr", "bonferroni", "holm", "hochberg", "hommel", "none"]

MIN_DISPERSION = 1e-8  # Love et al. (2014) estimate no dispersion below this
COEFFICIENT_VARIANCE = 1e6  # log2 scale: "no prior" is a prior this wide, a ridge of 1e-6
MAX_ITERATIONS = 100  # of a search or a GLM fit; reaching it is not converging
COOKS_QUANTILE = 0.99  # of F(p, m - p), Love et al. (2014), "Handling of outliers"
MIN_REPLICATES_FOR_COOKS = 3  # samples in smaller cells are not judged
REPLACEMENT_TRIM = 0.2  # of the mean that replaces an outlier
MIN_MU = 0.5
LN2 = math.log(2.0)  # coefficients: natural log inside, log2 for users
MIN_MU_GLM_GAM_POI = 1e-6


def chosen(name: str, value: Any, choices: Any) -> Any:
    """``value`` if it is one of the choices of a Literal.

    Raises
    ------
    OptionError
        Lists the known choices.
    """
    known = get_args(choices)
    if value not in known:
        raise OptionError(f"{name}={value!r} is not known; choose one of {', '.join(map(repr, known))}.")
    return value


def check_passed_on(
    function: Callable[..., Any], options: Iterable[str], taker: Callable[..., Any], fixed: str
) -> None:
    """Options that ``function`` passes on to ``taker``; the parameters in ``fixed`` it gives itself.

    Raises
    ------
    OptionError
        For the first that neither knows; says which of both functions' options was probably meant.
    """
    own = [n for n, p in inspect.signature(function).parameters.items() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    passed_on = [name for name in inspect.signature(taker).parameters if name not in (*own, *fixed.split())]
    for option in options:
        if option not in passed_on:
            raise OptionError(unknown_option(function.__name__, option, [*own, *passed_on]))


def unknown_option(function: str, option: str, names: list[str]) -> str:
    """The message for an option that a function does not have: the one that was probably meant, or all."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", option).replace(".", "_").lower()
    same = [name for name in names if name.replace("_", "") == snake.replace("_", "")]
    near = same or difflib.get_close_matches(snake, names, 1, 0.6)
    hint = f" Did you mean {near[0]}=?" if near else f" Its options are {listed(names, 30)}."
    return f"{function}() has no option {option}=.{hint}"


def checked_compat(compat: str | None) -> bool:
    """Whether R 1.38's own rules are asked for where later ones differ."""
    if compat not in (None, "1.38"):
        raise OptionError(
            f'compat={compat!r} is not known; use "1.38" for the rules of DESeq2 1.38, or None for the newer.'
        )
    return compat == "1.38"
