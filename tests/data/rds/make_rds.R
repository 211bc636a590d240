# Makes the .rds files of this folder: Rscript make_rds.R (R 4.2.2, DESeq2 1.38.3, edgeR 3.40.2, Matrix).
suppressPackageStartupMessages({library(DESeq2); library(edgeR); library(Matrix)})
set.seed(1)
samples <- data.frame(
  condition = factor(rep(c("untreated", "treated"), each = 3), levels = c("untreated", "treated")),
  batch = rep(c("b1", "b2", "b3"), 2), age = c(31.5, 40, NA, 28, 35, 61), smoker = c(TRUE, FALSE, NA, TRUE, FALSE, FALSE),
  row.names = c("S-1", "S-2", "S-3", "T-1", "T-2", "T-3")
)
counts <- matrix(rnbinom(40 * 6, mu = 100, size = 5), 40, dimnames = list(sprintf("gene%02d", 1:40), rownames(samples)))
counts[3, ] <- 0L
save_here <- function(x, name, ...) saveRDS(x, name, version = 3, ...)

save_here(counts, "matrix.rds")
save_here(counts + 0, "matrix_xz.rds", compress = "xz")
save_here(data.frame(symbol = toupper(rownames(counts)), counts, check.names = FALSE), "data_frame.rds")
save_here(as(counts + 0, "dgCMatrix"), "sparse.rds")
save_here(samples, "samples.rds")
save_here(list(abundance = counts / 7, counts = counts + 0.5, length = counts * 0 + 1000.25, countsFromAbundance = "no"), "tximport.rds")
se <- SummarizedExperiment(list(counts = counts, tpm = counts / 3), colData = samples)
rowData(se)$symbol <- toupper(rownames(counts))
save_here(se, "summarized_experiment.rds")
dds <- DESeqDataSetFromMatrix(counts, samples[c("condition", "batch")], ~ batch + condition)
save_here(dds, "deseq_data_set.rds")
mcols(dds)$symbol <- toupper(rownames(counts))
save_here(DESeq(dds, quiet = TRUE), "deseq_fitted.rds")
txi <- list(abundance = counts / 7, counts = counts + 0.0, length = matrix(runif(240, 800, 1200), 40, dimnames = dimnames(counts)), countsFromAbundance = "no")
save_here(estimateSizeFactors(DESeqDataSetFromTximport(txi, samples["condition"], ~ condition)), "deseq_tximport.rds")
save_here(calcNormFactors(DGEList(counts, group = samples$condition, genes = data.frame(symbol = toupper(rownames(counts))))), "dge_list.rds")
save_here(lm(dist ~ speed, cars)$coefficients, "vector.rds")
save(counts, samples, file = "workspace.RData", version = 3)
write.csv(counts, "counts.csv"); write.csv(samples, "samples.csv")
writeLines(c(format(sizeFactors(estimateSizeFactors(dds)), digits = 17)), "size_factors.txt")
