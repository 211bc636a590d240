# Trends, spreads and prior variances of DESeq2 on simulated gene-wise dispersions; writes the tables of this folder.
# Rscript make_tables.R
suppressMessages(library(DESeq2))
counts_and_design <- function(n_genes, per_group, seed, dispersion) {
  set.seed(seed)
  mean <- exp(rnorm(n_genes, 4, 2))
  groups <- factor(rep(c("A", "B"), per_group))
  counts <- t(vapply(mean, function(mu) rnbinom(length(groups), mu = mu, size = 1 / dispersion(mu)), numeric(length(groups))))
  storage.mode(counts) <- "integer"
  dds <- DESeqDataSetFromMatrix(counts, data.frame(group = groups), ~group)
  sizeFactors(dds) <- rep(1, ncol(dds))
  suppressMessages(estimateDispersionsGeneEst(dds))
}
simulated <- list(
  parametric = list(counts_and_design(120, c(4, 4), 1, function(mu) (0.05 + 3 / mu) * exp(rnorm(1, 0, 0.6))), "parametric"),
  falls_back = list(counts_and_design(120, c(4, 4), 2, function(mu) 0.01 + mu / 3000), "parametric"),
  local = list(counts_and_design(150, c(3, 4), 3, function(mu) (0.05 + 1 / mu) * exp(rnorm(1, 0, 0.6))), "local"),
  local_seven = list(counts_and_design(9, c(4, 4), 4, function(mu) 0.4), "local"),
  mean = list(counts_and_design(100, c(3, 3), 5, function(mu) 0.2), "mean"),
  one_df = list(counts_and_design(150, c(1, 2), 6, function(mu) (0.1 + 1 / mu) * exp(rnorm(1, 0, 1))), "parametric"),
  two_df = list(counts_and_design(150, c(2, 2), 7, function(mu) (0.1 + 1 / mu) * exp(rnorm(1, 0, 1))), "parametric"),
  three_df = list(counts_and_design(150, c(2, 3), 8, function(mu) (0.1 + 1 / mu) * exp(rnorm(1, 0, 1))), "mean"),
  glm_gam_poi = list(counts_and_design(60, c(4, 4), 9, function(mu) (0.05 + 3 / mu) * exp(rnorm(1, 0, 0.6))), "glmGamPoi"))
genes <- list(); numbers <- list()
for (name in names(simulated)) {
  dds <- simulated[[name]][[1]]
  dds <- suppressMessages(estimateDispersionsFit(dds, fitType = simulated[[name]][[2]]))
  if (simulated[[name]][[2]] == "glmGamPoi") dds <- suppressMessages(estimateDispersionsMAP(dds, type = "glmGamPoi"))
  f <- dispersionFunction(dds)
  prior <- if (simulated[[name]][[2]] == "glmGamPoi") NA else estimateDispersionsPriorVar(dds)
  genes[[name]] <- data.frame(case = name, mcols(dds)[, c("baseMean", "dispGeneEst", "dispFit")])
  numbers[[name]] <- data.frame(case = name, asked = simulated[[name]][[2]], kind = attr(f, "fitType"), samples = ncol(dds),
    asymptDisp = if (is.null(attr(f, "coefficients"))) NA else attr(f, "coefficients")[[1]],
    extraPois = if (is.null(attr(f, "coefficients"))) NA else attr(f, "coefficients")[[2]],
    varLogDispEsts = attr(f, "varLogDispEsts"), dispPriorVar = prior)
}
write_table <- function(x, name) write.table(format(x, digits = 17, trim = TRUE), name, sep = "\t", quote = FALSE, row.names = FALSE)
write_table(do.call(rbind, genes), gzfile("genes.tsv.gz"))
write_table(do.call(rbind, numbers), "trends.tsv")
