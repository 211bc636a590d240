#!/usr/bin/env Rscript
# R's shrunken fold changes: for each folder here, lfcShrink() of a fit to its counts, all answers in one table.
# Made with R 4.2.2, DESeq2 1.38.3, apeglm 1.27.0, ashr 2.2-65, mixsqp 0.3-48.
#
#     Rscript make_tables.R        (here; writes */shrunken.tsv.gz)

suppressPackageStartupMessages(library(DESeq2))
invisible(Sys.setlocale("LC_COLLATE", "C"))

B_A <- "condition_B_vs_A"
TREATED <- "condition_treated_vs_control"
INTERACTION <- "genotypeKO.treatmentdrug"
cases <- list(
  two_groups = list(design = ~condition, calls = list(
    apeglm = list(type = "apeglm", coef = TREATED),
    apeglm_lfc = list(type = "apeglm", coef = TREATED, lfcThreshold = 0.5),
    apeglm_svalue = list(type = "apeglm", coef = TREATED, svalue = TRUE),
    ashr_lfc = list(type = "ashr", coef = TREATED, lfcThreshold = 0.5),
    ashr_svalue = list(type = "ashr", coef = TREATED, svalue = TRUE),
    normal = list(type = "normal", coef = TREATED),
    normal_contrast = list(type = "normal", contrast = c("condition", "treated", "control")),
    normal_lfc = list(type = "normal", coef = TREATED, lfcThreshold = 0.5))),
  three_groups = list(design = ~batch + condition, calls = list(
    apeglm_B = list(type = "apeglm", coef = B_A),
    apeglm_batch = list(type = "apeglm", coef = "batch_y_vs_x"),
    ashr_C_B = list(type = "ashr", contrast = c("condition", "C", "B")),
    ashr_numeric = list(type = "ashr", contrast = c(0, 0, 0.5, 0.5)),
    normal_B = list(type = "normal", coef = B_A),
    normal_C_B = list(type = "normal", contrast = c("condition", "C", "B")))),
  interaction = list(design = ~genotype * treatment, levels = list(genotype = c("WT", "KO"), treatment = c("mock", "drug")), calls = list(
    apeglm = list(type = "apeglm", coef = INTERACTION),
    ashr = list(type = "ashr", coef = INTERACTION))),
  weights = list(design = ~condition, calls = list(apeglm = list(type = "apeglm", coef = TREATED))))

for (name in names(cases)) {
  case <- cases[[name]]
  read <- function(file) read.delim(file.path(name, file), row.names = 1, check.names = FALSE)
  counts <- as.matrix(read("counts.tsv.gz"))
  samples <- read("samples.tsv")
  for (v in all.vars(case$design)) {
    samples[[v]] <- if (is.null(case$levels)) factor(samples[[v]]) else factor(samples[[v]], case$levels[[v]])
  }
  dds <- DESeqDataSetFromMatrix(counts, samples, case$design)
  if (file.exists(file.path(name, "weights.tsv.gz"))) assays(dds)[["weights"]] <- as.matrix(read("weights.tsv.gz"))
  dds <- DESeq(dds, quiet = TRUE)
  tables <- lapply(names(case$calls), function(call) {
    r <- as.data.frame(do.call(lfcShrink, c(list(dds), case$calls[[call]], quiet = TRUE)))
    keep <- c("log2FoldChange", "lfcSE", "svalue", if (call == "normal_lfc") c("stat", "pvalue"))
    r <- r[intersect(keep, colnames(r))]
    setNames(r, paste(call, colnames(r), sep = "."))
  })
  con <- gzfile(file.path(name, "shrunken.tsv.gz"), "wb")
  write.table(format(cbind(gene = rownames(counts), do.call(cbind, tables)), digits = 10, trim = TRUE), con, sep = "\t", quote = FALSE, row.names = FALSE)
  close(con)
}
