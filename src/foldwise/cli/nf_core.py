"""``foldwise nf-core``: the options of nf-core's DESeq2 module, verbatim, so that a module can swap the script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from foldwise.cli import options as shared
from foldwise.cli.inputs import Reading, checksums, read_inputs

if TYPE_CHECKING:
    from foldwise.cli.analysis import Analysis
    from foldwise.cli.comparisons import Comparison

SAMPLE_COLUMN = "experiment_accession"


class RLogical(click.ParamType):
    """TRUE, T, true, FALSE, F, false, as R takes them."""

    name = "TRUE|FALSE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, bool):
            return value
        if value not in ("TRUE", "T", "True", "true", "FALSE", "F", "False", "false"):
            self.fail(f"{value!r} is neither TRUE nor FALSE.", param, ctx)
        return value[0] in "Tt"


def _option(name: str, kind: Any = str, default: Any = None, help: str = "", **more: Any) -> Callable[[Any], Any]:
    if default is not None:
        more["default"] = default
    return click.option(f"--{name}", name, type=kind, help=help, callback=_null, **more)


def _null(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Nextflow writes what is not set as nothing, as "null" or as "[]"."""
    return None if isinstance(value, str) and value.strip().lower() in ("", "null", "[]") else value


@click.command(name="nf-core", short_help="One contrast with the options of nf-core's module.")
@_option("count_file", required=True, help="Matrix of counts: a gene column, other gene columns, samples.")
@_option("sample_file", required=True, help="Sample sheet.")
@_option("contrast_variable", help="Column that is compared.")
@_option("reference_level", help="Level of the denominator.")
@_option("target_level", help="Level of the numerator.")
@_option("contrast_string", help='With --formula: a coefficient, or a sum of them, "A - B".')
@_option("formula", help="Model, instead of ~ 0 + blocking + variable.")
@_option("output_prefix", required=True, help="What file names begin with.")
@_option("blocking_variables", help='Columns beside it, "batch;sex".')
@_option("control_genes_file", help="Gene names, one a line: left out, or what size factors come from.")
@_option("sizefactors_from_controls", RLogical(), False)
@_option("transcript_lengths_file", help="Average transcript lengths, a matrix like the counts.")
@_option("gene_id_col", default="gene_id")
@_option("sample_id_col", help=f"[default: {SAMPLE_COLUMN} if there is one, else found out]")
@_option("subset_to_contrast_samples", RLogical(), False)
@_option("exclude_samples_col")
@_option("exclude_samples_values", help='"a;b"')
@_option("test", click.Choice(["Wald", "LRT"]), "Wald")
@_option("reduced", help="The smaller model of a likelihood ratio test.")
@_option("fit_type", click.Choice(["parametric", "local", "mean", "glmGamPoi"]), "parametric")
@_option("sf_type", click.Choice(["ratio", "poscounts", "iterate"]), "ratio")
@_option("min_replicates_for_replace", float, 7)
@_option("use_t", RLogical(), False)
@_option("lfc_threshold", float, 0.0)
@_option("alt_hypothesis", default="greaterAbs")
@_option("independent_filtering", RLogical(), True)
@_option("p_adjust_method", default="BH")
@_option("alpha", float, 0.1)
@_option("minmu", float, 0.5)
@_option("vs_method", default="vst", help="vst, rlog, or both: rlog,vst")
@_option(
    "shrink_lfc", RLogical(), True, help="ashr, whose table has no stat; alpha and thresholds are then without effect."
)
@_option("cores", click.IntRange(1), 1)
@_option("vs_blind", RLogical(), True)
@_option("vst_nsub", int, 1000)
@_option("round_digits", int)
@_option("seed", help="Taken and without effect: nothing here is random.")
@_option("process", default="FOLDWISE", help="Name for versions.yml (Nextflow's task.process).")
@click.option("--multiqc", is_flag=True, help="Also write _mqc files.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder; here by default."
)
@shared.quiet
def nf_core(**options: Any) -> None:
    """One contrast with the options of nf-core/differentialabundance's DESeq2 module, and the files that it writes.

    In place of PREFIX.dds.rld.rds, which only R can write, there is PREFIX.foldwise. "foldwise run --contrasts FILE" does
    all contrasts of a file.
    """
    from foldwise.cli.analysis import analyse
    from foldwise.cli.compiling import note_compiling
    from foldwise.cli.stages import Stages

    stages = Stages(quiet=options["quiet"])
    note_compiling(stages.say)
    analyse(_asked(options), stages)


def _asked(options: dict[str, Any]) -> Analysis:
    from foldwise.cli.analysis import Analysis, Files, Model, PipelineStyle, Testing
    from foldwise.cli.run import genes_in

    for name in ("count_file", "sample_file", "control_genes_file", "transcript_lengths_file"):
        if options[name] is not None and not Path(options[name]).exists():
            raise click.BadParameter(f"There is no file {options[name]}.", param_hint=f"--{name}")
    common = ("alpha", "lfc_threshold", "alt_hypothesis", "independent_filtering", "p_adjust_method")
    model = ("test", "reduced", "fit_type", "sf_type", "min_replicates_for_replace", "use_t")
    style = (
        "subset_to_contrast_samples",
        "sizefactors_from_controls",
        "vs_blind",
        "vst_nsub",
        "round_digits",
        "process",
    )
    files = {"counts": options["count_file"], "samples": options["sample_file"]}
    return Analysis(
        _data(options),
        options["out"],
        None,
        [_comparison(options)],
        Model(
            **{name: options[name] for name in model},
            min_mu=options["minmu"],
            threads=options["cores"],
            control_genes=genes_in(options["control_genes_file"]),
        ),
        Testing(**{name: options[name] for name in common}, shrink="ashr" if options["shrink_lfc"] else None),
        Files(save_fit=True, multiqc=options["multiqc"]),
        PipelineStyle(
            gene_column=options["gene_id_col"], vs_methods=_methods(options), **{name: options[name] for name in style}
        ),
        "nf-core",
        arguments={name: value for name, value in options.items() if name not in ("out", "quiet")},
        inputs={name: {"path": files[name], "sha256": digest} for name, digest in checksums(files).items()},
    )


def _methods(options: dict[str, Any]) -> tuple[str, ...]:
    methods = tuple(part.strip() for part in (options["vs_method"] or "").split(",") if part.strip())
    if not set(methods) <= {"vst", "rlog"}:
        raise click.BadParameter(f"{options['vs_method']!r} is not vst, rlog, or both.", param_hint="--vs_method")
    return methods


def _comparison(options: dict[str, Any]) -> Comparison:
    from foldwise.cli.comparisons import Comparison, checked

    excluded = {
        "exclude_column": options["exclude_samples_col"],
        "exclude_values": tuple((options["exclude_samples_values"] or "").split(";")),
    }
    if options["formula"] is not None:
        if options["contrast_string"] is None:
            raise click.UsageError("--formula needs --contrast_string.")
        asked = {"expression": options["contrast_string"], "formula": options["formula"]}
        return checked([Comparison(options["output_prefix"], **asked, **excluded)])[0]
    missing = [name for name in ("contrast_variable", "reference_level", "target_level") if options[name] is None]
    if missing:
        raise click.UsageError(f"Missing {', '.join(f'--{name}' for name in missing)}.")
    levels = (options["contrast_variable"], options["target_level"], options["reference_level"])
    blocking = tuple(part.strip() for part in (options["blocking_variables"] or "").split(";") if part.strip())
    return checked([Comparison(options["output_prefix"], levels, blocking=blocking, **excluded)])[0]


def _data(options: dict[str, Any]) -> Any:
    from foldwise.io import read_counts, read_samples

    column = options["sample_id_col"]
    if column is None and SAMPLE_COLUMN in read_samples(options["sample_file"]).reset_index().columns:
        column = SAMPLE_COLUMN
    how = Reading(None, column, options["gene_id_col"], drop_unlisted=True, round_counts=True)
    data = read_inputs(options["count_file"], options["sample_file"], how)
    if options["transcript_lengths_file"] is None:
        return data
    lengths: Any = read_counts(options["transcript_lengths_file"], gene_column=options["gene_id_col"])
    from foldwise.counts import CountData
    from foldwise.errors import CountsError, listed

    absent = data.gene_names.difference(lengths.index)
    if len(absent):
        raise CountsError(f"{options['transcript_lengths_file']} has no lengths of {listed(absent)}.")
    lengths = lengths.loc[data.gene_names, data.sample_names]
    return CountData(data.counts, data.samples, average_lengths=lengths, provenance=data.provenance)
