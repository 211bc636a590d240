"""One analysis from the command line: what was asked, its fits, and what is said and written of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from foldwise.cli.comparisons import Comparison
from foldwise.cli.contrast_text import references_of
from foldwise.cli.stages import Stages
from foldwise.cli.staging import staged_folder
from foldwise.errors import DesignError, FitError, OptionError, SamplesError

if TYPE_CHECKING:
    from foldwise.counts import CountData
    from foldwise.fit import Fit
    from foldwise.results import Results

Layout = Literal["plain", "nf-core"]


@dataclass(frozen=True, slots=True)
class Model:
    """How to fit: the arguments of ``foldwise.deseq`` beside the design."""

    test: str = "Wald"
    reduced: str | None = None
    fit_type: str = "parametric"
    sf_type: str = "ratio"
    min_replicates_for_replace: float = 7
    use_t: bool = False
    min_mu: float | None = None
    compat: str | None = None
    reference: tuple[str, ...] = ()
    threads: int | None = None
    control_genes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Testing:
    """How to test: the arguments of ``Fit.results``. shrink : the estimator of shrunken fold changes, or None."""

    alpha: float = 0.1
    lfc_threshold: float = 0.0
    alt_hypothesis: str = "greaterAbs"
    independent_filtering: bool = True
    p_adjust_method: str = "BH"
    shrink: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "shrink"}


@dataclass(frozen=True, slots=True)
class Files:
    """What to write beside the tables."""

    report: bool = False
    save_fit: bool = False
    pictures: bool = True
    normalized: bool = True
    multiqc: bool = False
    parquet: bool = False
    rnk: bool = False
    filtered: bool = False
    h5ad: bool = False


@dataclass(frozen=True, slots=True)
class PipelineStyle:
    """What nf-core's module has options for, and plain runs do not."""

    gene_column: str = "gene_id"
    subset_to_contrast_samples: bool = False
    sizefactors_from_controls: bool = False
    vs_methods: tuple[str, ...] = ("vst",)
    vs_blind: bool = True
    vst_nsub: int = 1000
    round_digits: int | None = None
    process: str = "FOLDWISE"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was asked for. arguments : as given, for the record. inputs : the files, by what they are.

    tidy : remove what an earlier run wrote into the same folder and this one does not.
    """

    data: CountData
    out: Path
    design: str | None
    comparisons: list[Comparison]
    model: Model = field(default_factory=Model)
    testing: Testing = field(default_factory=Testing)
    files: Files = field(default_factory=Files)
    pipeline: PipelineStyle = field(default_factory=PipelineStyle)
    layout: Layout = "plain"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tidy: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A comparison, its fit, its table, and its shrunken table if asked for."""

    comparison: Comparison
    fit: Fit
    result: Results
    shrunken: Results | None = None

    @property
    def id(self) -> str:
        from foldwise.cli.comparisons import file_name

        return self.comparison.id or file_name(self.result.name.replace(" ", "_"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out: answers, files written (relative to the folder), seconds by stage."""

    answers: list[Answer]
    files: list[str]
    seconds: dict[str, float]


def analyse(asked: Analysis, stages: Stages) -> Outcome:
    """Fit, test, write; all files appear together at the end, or none."""
    from foldwise.cli.earlier_run import earlier_files, remove_files
    from foldwise.cli.nf_core_layout import write_nf_core
    from foldwise.cli.packages import check_packages
    from foldwise.cli.plain_layout import write_plain
    from foldwise.cli.record import RECORD, run_record

    began = time.perf_counter()
    check_packages(asked.files)
    earlier = earlier_files(asked.out) if asked.tidy else []
    for note in asked.data.provenance:
        stages.say(f"  {note}")
    with staged_folder(asked.out) as folder:
        write = write_nf_core if asked.layout == "nf-core" else write_plain
        answers = write(asked, folder, stages)
        if asked.files.multiqc:
            from foldwise.cli.multiqc import write_multiqc

            write_multiqc(answers, folder)
        stages.seconds["all"] = time.perf_counter() - began
        files = sorted({*(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()), RECORD})
        run_record(asked, answers, stages.seconds, files, folder / RECORD)
    gone = remove_files(asked.out, set(earlier) - set(files))
    for answer in answers:
        stages.say(f"\n{_titled(answer)}")
    stages.say(f"\n{len(files)} files in {asked.out}")
    if gone:
        stages.say(f"removed what an earlier run wrote there and this one does not: {', '.join(gone)}")
    return Outcome(answers, files, dict(stages.seconds))


def _titled(answer: Answer) -> str:
    """The summary, under the comparison's id where that says more than the words."""
    from foldwise.cli.comparisons import file_name

    said = answer.result.summary().strip()
    return said if file_name(answer.result.name.replace(" ", "_")) == answer.id else f"{answer.id}: {said}"


def fitted(data: CountData, design: str, comparisons: list[Comparison], model: Model, stages: Stages) -> Fit:
    """The fit, once it is clear that it can answer these comparisons.

    Raises
    ------
    FitError
        If the samples cannot carry the design; wrong texts are DesignError.
    """
    from foldwise.api import deseq
    from foldwise.cli.words import in_our_words
    from foldwise.design import assemble_design, check_estimable
    from foldwise.design.doctor import cautions

    reference = references_of(model.reference) or None
    try:
        made = assemble_design(design, data.samples, reference=reference)
        check_estimable(made)
        for one in comparisons:
            one.check(made)
        for note in cautions(made):
            stages.say(f"  note: {in_our_words(note)}")
    except SamplesError as error:  # missing values in a column of the design
        raise FitError(str(error)) from error
    except DesignError as error:
        if _is_text_wrong(design, data, reference):
            raise
        raise FitError(str(error)) from error
    return deseq(
        data,
        design,
        test=model.test,  # type: ignore[arg-type]
        reduced=model.reduced,
        fit_type=model.fit_type,  # type: ignore[arg-type]
        sf_type=model.sf_type,  # type: ignore[arg-type]
        control_genes=None if model.control_genes is None else list(model.control_genes),
        min_replicates_for_replace=model.min_replicates_for_replace,
        use_t=model.use_t,
        min_mu=model.min_mu,
        reference=reference,
        compat=model.compat,
        executor=model.threads,
        progress=stages,
    )


def _is_text_wrong(design: str, data: CountData, reference: Any) -> bool:
    from foldwise.design import assemble_design

    try:
        assemble_design(design, data.samples, reference=reference)
    except DesignError:
        return True
    return False


def answered(asked: Analysis, comparison: Comparison, fit: Fit, stages: Stages) -> Answer:
    """One comparison's tables."""
    testing = asked.testing
    result = comparison.results(fit, **testing.options)
    if not testing.shrink:
        return Answer(comparison, fit, result)
    return Answer(comparison, fit, result, shrunken(comparison, fit, testing.shrink, result, stages))


def shrunken(comparison: Comparison, fit: Fit, kind: str, result: Results, stages: Stages) -> Results:
    """Shrunken fold changes; ashr goes over no blocks of genes, so that its stage is told here."""
    if kind != "ashr":
        return comparison.shrunken(fit, kind, result)
    with stages.of("shrinking (ashr)"):
        return comparison.shrunken(fit, kind, result)


def design_for_all(comparisons: list[Comparison]) -> str:
    """One model for all comparisons of a file: every blocking column, then every column compared.

    Raises
    ------
    OptionError
        If a comparison brings a formula of its own, or there is none to take columns from.
    """
    from foldwise.design.formula.names import symbol_text

    if any(one.formula for one in comparisons):
        raise OptionError("Comparisons with formulas of their own need --layout nf-core, or one --design for all.")
    compared = [one.levels[0] for one in comparisons if one.levels]
    if not compared:
        raise OptionError('No model: give --design, e.g. --design "~ batch + condition".')
    blocking = [name for one in comparisons for name in one.blocking if name not in compared]
    return "~ " + " + ".join(symbol_text(name) for name in dict.fromkeys([*blocking, *compared]))
