"""``foldwise run``: from files to tables, pictures and a record of the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from foldwise.cli import options as shared
from foldwise.cli.inputs import InputPath, Reading, checksums, read_inputs, readable
from foldwise.cli.params import as_given, params_option, warn_of_other_inputs

if TYPE_CHECKING:
    from foldwise.cli.analysis import Analysis, Layout, Model
    from foldwise.cli.comparisons import Comparison
    from foldwise.counts import CountData

PIPELINE_FACTS = "nf-core with --contrasts, else plain"


@click.command(short_help="Tables, pictures and a record of one analysis.")
@click.argument("counts", type=InputPath())
@click.argument("samples", type=InputPath(dir_okay=False), required=False)
@shared.fitting
@shared.comparing
@click.option(
    "--contrasts",
    "contrasts_file",
    type=click.Path(exists=True, dir_okay=False),
    help="File of contrasts: id,variable,reference,target[,blocking] (CSV, TSV) or nf-core's YAML.",
)
@click.option(
    "--layout",
    type=click.Choice(["plain", "nf-core"]),
    help="plain: one fit, DESeq2's defaults. nf-core: a fit for each contrast, and the files of differentialabundance's "
    f"DESeq2 module under their names.  [default: {PIPELINE_FACTS}]",
)
@shared.testing
@click.option(
    "--shrink",
    type=click.Choice([*shared.SHRINKAGE, "none"]),
    help="Shrunken fold changes: plain writes them beside the results, nf-core in their place.  [default: none; ashr for "
    "nf-core]",
)
@shared.reading
@click.option("--min-count", type=float, help="Leave out genes with fewer reads in all samples together.")
@click.option("--report", "with_report", is_flag=True, help="Also write report.html.")
@click.option("--save-fit", is_flag=True, help="Also write fit.foldwise, which answers new questions later.")
@click.option("--h5ad", is_flag=True, help="Also write the fit as AnnData.")
@click.option("--multiqc", is_flag=True, help="Also write _mqc files, which MultiQC takes into its report.")
@click.option("--parquet", is_flag=True, help="Also write results as Parquet.")
@click.option("--rnk", is_flag=True, help="Also write ranked lists for GSEA.")
@click.option("--filter", "filtered", is_flag=True, help="Also write results of at least twofold with padj <= 0.05.")
@click.option("--pictures/--no-pictures", default=True, show_default=True)
@click.option(
    "--normalized/--no-normalized",
    default=True,
    show_default=True,
    help="Write normalized counts, by far the largest table of many samples.",
)
@shared.out_folder
@shared.threads
@shared.as_json
@shared.quiet
@params_option
def run(counts: str, samples: str | None, **options: Any) -> None:
    """Test COUNTS (genes x samples) for differences between the SAMPLES.

    COUNTS may be csv, tsv (also compressed), xlsx, parquet, h5ad, rds, 10x, or what featureCounts, htseq-count and STAR
    write. SAMPLES is a table with one row a sample; its first column holds the sample names; files that carry one (h5ad,
    rds) need none. One of them may be "-", standard input.

    Files of the same names in --out are replaced; other files that an earlier run wrote there (its run.json lists them)
    are removed, so that no old table lies beside the new ones. Files of yours stay.

    \b
    foldwise run counts.tsv samples.tsv --design "~ batch + condition" \\
        --contrast condition,treated,control --out results
    foldwise run counts.tsv samples.csv --contrasts contrasts.csv --out results
    """
    from foldwise.cli.analysis import analyse
    from foldwise.cli.compiling import note_compiling
    from foldwise.cli.record import json_text, summary
    from foldwise.cli.stages import Stages

    stages = Stages(quiet=options["quiet"])
    note_compiling(stages.say)
    with readable(counts, samples) as paths:
        asked = _asked(counts, samples, str(paths[0]), paths[1], options, stages)
        outcome = analyse(asked, stages)
    if options["as_json"]:
        click.echo(json_text(summary(asked, outcome)))


def _asked(
    counts: str, samples: str | None, path: str, sheet: str | None, options: Mapping[str, Any], stages: Any
) -> Analysis:
    from foldwise.cli.analysis import Analysis, Files, PipelineStyle, Testing

    layout: Layout = options["layout"] or ("nf-core" if options["contrasts_file"] else "plain")
    comparisons = _comparisons(options)
    if options["design"] is None and not any(one.levels and options["contrasts_file"] for one in comparisons):
        if layout == "plain" or not any(one.formula for one in comparisons):
            raise click.UsageError('Missing --design, e.g. --design "~ batch + condition"; or --contrasts FILE.')
    with stages.of("reading"):
        data = _data(path, sheet, options, layout)
    shrink = options["shrink"] or ("ashr" if layout == "nf-core" else "none")
    taken = ("alpha", "lfc_threshold", "alt_hypothesis", "independent_filtering", "p_adjust_method")
    wanted = ("save_fit", "pictures", "normalized", "multiqc", "parquet", "rnk", "filtered", "h5ad")
    written = {name: options[name] for name in wanted}
    named = {"counts": counts, "samples": samples, "contrasts": options["contrasts_file"]}
    sums = checksums({"counts": path, "samples": sheet, "contrasts": options["contrasts_file"]})
    inputs = {name: {"path": given, "sha256": sums.get(name)} for name, given in named.items() if given is not None}
    warn_of_other_inputs(click.get_current_context(), inputs)
    return Analysis(
        data,
        options["out"],
        options["design"],
        comparisons,
        _model(options),
        Testing(**{name: options[name] for name in taken}, shrink=None if shrink == "none" else shrink),
        Files(**written, report=options["with_report"]),
        PipelineStyle(gene_column=options["gene_column"] or "gene_id"),
        layout,
        arguments=_said({**options, "counts": counts, "samples": samples}),
        inputs=inputs,
        tidy=True,
    )


def _comparisons(options: Mapping[str, Any]) -> list[Comparison]:
    from foldwise.cli.comparisons import from_texts
    from foldwise.cli.contrast_file import read_contrasts

    if options["contrasts_file"] is None:
        return from_texts(options["contrasts"], options["names"])
    if options["contrasts"] or options["names"]:
        raise click.UsageError("Give comparisons in a file (--contrasts) or one by one (--contrast, --name), not both.")
    return read_contrasts(options["contrasts_file"])


def _data(path: str, sheet: str | None, options: Mapping[str, Any], layout: str) -> CountData:
    """Pipelines hand over matrices with more samples than the sheet, and with estimated counts."""
    lenient = layout == "nf-core"
    how = Reading(
        options["layer"],
        options["sample_column"],
        options["gene_column"],
        options["drop_unlisted"] or lenient,
        options["round_counts"] or lenient,
        options["factors"],
    )
    data = read_inputs(path, sheet, how)
    return data if options["min_count"] is None else data.filter_low(min_count=options["min_count"])


def _model(options: Mapping[str, Any]) -> Model:
    from foldwise.cli.analysis import Model

    names = ("test", "reduced", "fit_type", "sf_type", "min_replicates_for_replace", "use_t", "compat", "reference")
    return Model(
        **{name: options[name] for name in names},
        threads=options["threads"],
        control_genes=genes_in(options["control_genes"]),
    )


def genes_in(path: str | None) -> tuple[str, ...] | None:
    """Names of genes, one a line."""
    if path is None:
        return None
    lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _said(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they may stand in a file for --params; not where to write, nor what to say."""
    given = as_given(run, options)
    return {name: value for name, value in given.items() if name not in ("out", "quiet", "json")}
