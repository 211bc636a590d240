# Writes the tables beside it:  Rscript make_tables.R [folder]
# Made with R 4.2.2, edgeR 3.40.2. Seeds are fixed; counts are drawn here.
suppressPackageStartupMessages(library(edgeR))
folder <- commandArgs(trailingOnly = TRUE)
if (length(folder)) setwd(folder)
set.seed(5)
n <- 120
m <- 13
k <- matrix(rnbinom(n * m, mu = outer(2^rnorm(n, 3, 2.5), runif(m, 0.4, 2.5)), size = 2), n)
k[1:5, ] <- 0L
k[6:20, 8:13] <- 3L * k[6:20, 8:13]
k[, 4] <- k[, 3]  # a copy: its factor is that of the reference's neighbour
dimnames(k) <- list(sprintf("g%03d", 1:n), sprintf("s%02d", 1:m))
length <- round(exp(rnorm(n, 7.5, 0.7)))
sizes <- colSums(k) + 1000 * seq_len(m)

put <- function(x, name) {
  x <- as.data.frame(as.matrix(x))
  x[] <- lapply(x, function(v) if (is.logical(v)) v else format(v, digits = 17, trim = TRUE))
  con <- gzfile(paste0(name, ".tsv.gz"), "w")
  write.table(cbind(name = rownames(x), x), con, sep = "\t", quote = FALSE, row.names = FALSE)
  close(con)
}
put(k, "counts")
put(cbind(value = setNames(length, rownames(k))), "lengths")
put(cbind(value = setNames(sizes, colnames(k))), "library_sizes")
column <- function(x) cbind(value = setNames(x, colnames(k)))
for (method in c("TMM", "TMMwsp", "RLE", "upperquartile")) {
  put(column(calcNormFactors(k, method = method)), paste0("factors_", method))
  put(column(calcNormFactors(k, lib.size = sizes, method = method)), paste0("factors_sizes_", method))
}
put(column(calcNormFactors(k, method = "TMMwsp", refColumn = 2, logratioTrim = 0.2, doWeighting = FALSE)), "factors_TMMwsp_options")
put(column(calcNormFactors(k[1:40, ], method = "TMMwsp")), "factors_TMMwsp_sparse")
list_of <- calcNormFactors(DGEList(k, lib.size = sizes))
put(cpm(list_of), "cpm")
put(cpm(list_of, log = TRUE, prior.count = seq(0.5, 6, length.out = n)), "cpm_log_priors")
put(rpkm(list_of, gene.length = length), "rpkm")
put(rpkm(list_of, gene.length = length, log = TRUE), "rpkm_log")
group <- rep(c("x", "y"), c(2, 11))
keep <- function(...) cbind(value = setNames(filterByExpr(k, ...), rownames(k)))
put(keep(group = group), "filter_group")
put(keep(group = rep("x", m)), "filter_one_group")
design <- cbind(1, as.integer(group == "y"), seq_len(m))
put(design, "design")
put(keep(design = design), "filter_design")
put(keep(group = group, min.count = 3, min.total.count = 200, large.n = 1, min.prop = 0.5), "filter_options")
