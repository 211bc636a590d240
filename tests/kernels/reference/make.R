# Rscript make.R: R's own columns for a few genes, written beside the counts that this folder holds.
# <name>.counts.tsv.gz, <name>.samples.tsv (design columns, sizeFactor), <name>.weights.tsv.gz where there are weights.
suppressPackageStartupMessages(library(DESeq2))
designs <- list(two_groups = ~ condition, paired = ~ cell + dex, covariate = ~ batch + age, weighted = ~ condition)
for (name in names(designs)) {
  counts <- as.matrix(read.delim(gzfile(paste0(name, ".counts.tsv.gz")), row.names = 1, check.names = FALSE))
  samples <- read.delim(paste0(name, ".samples.tsv"), row.names = 1, stringsAsFactors = TRUE)
  for (v in intersect(c("condition", "dex"), names(samples)))
    samples[[v]] <- factor(samples[[v]], levels = unique(samples[[v]]))
  dds <- DESeqDataSetFromMatrix(counts, samples, designs[[name]])
  weights <- paste0(name, ".weights.tsv.gz")
  if (file.exists(weights)) assays(dds)[["weights"]] <- as.matrix(read.delim(gzfile(weights), row.names = 1))
  dds <- DESeq(dds, fitType = "mean", minReplicatesForReplace = Inf)
  columns <- as.data.frame(mcols(dds))
  columns$prior <- attr(dispersionFunction(dds), "dispPriorVar")
  matrix <- as.data.frame(attr(dds, "modelMatrix"))
  write.table(format(columns, digits = 17), gzfile(paste0(name, ".r.tsv.gz")), sep = "\t", quote = FALSE, col.names = NA)
  write.table(format(matrix, digits = 17), paste0(name, ".design.tsv"), sep = "\t", quote = FALSE, col.names = NA)
}
