# Answers of DESeq2 to the simulated experiments of benchmarks/truth.py: Rscript truth_r.R FOLDER
suppressPackageStartupMessages(library(DESeq2))
folder <- commandArgs(TRUE)[1]
writeLines(paste("DESeq2", packageVersion("DESeq2"), "in R", getRversion()), file.path(folder, "r.version"))
sets <- read.delim(file.path(folder, "sets.tsv"), stringsAsFactors = FALSE)
for (k in seq_len(nrow(sets))) {
  set <- sets[k, ]
  answer <- file.path(folder, paste0(set$name, ".r.tsv"))
  if (file.exists(answer)) next  # a run that was cut off goes on where it was
  n <- set$n_genes * set$n_samples
  counts <- matrix(readBin(file.path(folder, paste0(set$name, ".bin")), "integer", n), set$n_genes, set$n_samples)
  condition <- factor(rep(c("A", "B"), length.out = set$n_samples))
  dds <- suppressMessages(DESeq(DESeqDataSetFromMatrix(counts, data.frame(condition), ~condition), quiet = TRUE))
  found <- as.data.frame(results(dds))[, c("log2FoldChange", "lfcSE", "pvalue", "padj")]
  write.table(format(found, digits = 17, trim = TRUE), answer, sep = "\t", quote = FALSE, row.names = FALSE)
}
