# The glmGamPoi route of DESeq2 on 60 made-up genes in four designs; writes the tables of this folder.
# Rscript make_tables.R
suppressMessages(library(DESeq2))
counts <- t(sapply(1:60, function(i) sapply(1:8, function(j) {
  r <- (1103515245 * ((64 * i + j)^2 %% 65536) + 12345) %% 2^31
  e <- 3 * (j > 4 && i %% 4 == 0) - 1 * (j > 4 && i %% 7 == 0)
  ((5 + i^2) * (50 + 20 * i + r %/% 2^21) * (2 + e)) %/% 2048
})))
counts[10, ] <- 0; counts[11, 5:8] <- 0; counts[12, 3] <- 9000
storage.mode(counts) <- "integer"
samples <- data.frame(cond = factor(rep(c("A", "B"), each = 4)), batch = factor(c(1, 1, 2, 2, 1, 2, 2, 1)),
                      x = c(0.3, -0.2, 0.1, 0.5, -0.4, 0.2, 0, -0.1))
dimnames(counts) <- list(sprintf("gene%02d", 1:60), sprintf("s%d", 1:8))
factors <- exp(outer(sin(1:60), cos(1:8)) / 4)
designs <- list(groups = list(~cond, ~1), covariate = list(~x + cond, ~x), blocks = list(~batch + cond, ~batch),
                factors = list(~batch + cond, ~batch), interaction = list(~batch * cond, ~1))
genes <- list(); numbers <- list()
for (name in names(designs)) {
  dds <- DESeqDataSetFromMatrix(counts, samples, designs[[name]][[1]])
  if (name == "factors") normalizationFactors(dds) <- factors
  dds <- suppressWarnings(suppressMessages(DESeq(dds, fitType = "glmGamPoi", test = "LRT", reduced = designs[[name]][[2]])))
  columns <- c("baseMean", "dispGeneEst", "dispGeneIter", "dispFit", "qlDispMLE", "qlDispFit", "qlDispMAP",
               "dispFitQLCorrected", "dispersion", "dispOutlier", "dispMAP", "LRTStatistic", "LRTPvalue", "deviance")
  beta <- as.matrix(mcols(dds)[, resultsNames(dds)])
  colnames(beta) <- paste0("beta", seq_len(ncol(beta)))
  beta <- cbind(beta, matrix(NA, nrow(beta), 4 - ncol(beta), dimnames = list(NULL, paste0("beta", seq_len(4))[-seq_len(ncol(beta))])))
  genes[[name]] <- cbind(case = name, gene = rownames(dds), as.data.frame(mcols(dds)[, columns]), beta)
  f <- dispersionFunction(dds)
  numbers[[name]] <- data.frame(case = name, df0 = attr(dds, "quasiLikelihood_df0"), varLogDispEsts = attr(f, "varLogDispEsts"))
}
write_table <- function(x, name) write.table(format(x, digits = 17, trim = TRUE), name, sep = "\t", quote = FALSE, row.names = FALSE)
write_table(do.call(rbind, genes), gzfile("genes.tsv.gz"))
write_table(do.call(rbind, numbers), "numbers.tsv")
