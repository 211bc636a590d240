# Writes the tables beside it:  Rscript make_tables.R [folder]
# Made with R 4.2.2, DESeq2 1.38.3. Seeds are fixed; counts are drawn here.
suppressPackageStartupMessages(library(DESeq2))
folder <- commandArgs(trailingOnly = TRUE)
if (length(folder)) setwd(folder)
set.seed(11)
n <- 160
m <- 10
depth <- runif(m, 0.5, 2)
mean <- 2^rnorm(n, 6, 2.5)
fold <- ifelse(runif(n) < 0.3, rnorm(n, 0, 1), 0)
group <- factor(rep(c("a", "b"), length.out = m))
mu <- outer(mean, depth) * 2^outer(fold, as.integer(group == "b"))
k <- matrix(rnbinom(n * m, mu = mu, size = 1 / (0.1 + 2 / mean)), n)
k[1:3, ] <- 0L
k[4, 1:8] <- 0L  # without counts until the later samples
k[5, 2] <- 90000L
k[9, 5] <- 40000L
dimnames(k) <- list(sprintf("g%03d", 1:n), sprintf("s%02d", 1:m))
w <- matrix(round(runif(n * m, 0.2, 1), 3), n, dimnames = dimnames(k))
pure <- 2^matrix(rnorm(60 * 3, 7, 2), 60)
share <- matrix(c(.6, .3, .1, .2, .2, .6, .1, .8, .1, .34, .33, .33), 4, byrow = TRUE)
mixed <- pure %*% t(share) * matrix(2^rnorm(60 * 4, 0, .2), 60)
dimnames(pure) <- list(sprintf("g%02d", 1:60), c("liver", "brain", "blood"))
dimnames(mixed) <- list(rownames(pure), paste0("mix", 1:4))

put <- function(x, name) {
  x <- as.data.frame(as.matrix(x))
  x[] <- lapply(x, function(v) format(v, digits = 17, trim = TRUE))
  con <- gzfile(paste0(name, ".tsv.gz"), "w")
  write.table(cbind(gene = rownames(x), x), con, sep = "\t", quote = FALSE, row.names = FALSE)
  close(con)
}
put(k, "counts"); put(w, "weights")
put(pure, "pure"); put(mixed, "mixed")
first <- 1:8
later <- 9:10
made <- function(columns) {
  DESeqDataSetFromMatrix(k[, columns, drop = FALSE], data.frame(group = group[columns]),
                         if (length(columns) > 1) ~ group else ~ 1)
}
old <- estimateSizeFactors(made(first))
scale <- colSums(k[, later]) / 20000
put(cbind(sizeFactor = scale), "later_size_factors")
new <- made(later)
sizeFactors(new) <- scale

for (kind in c("parametric", "local", "mean")) {
  fitted <- estimateDispersions(old, fitType = kind, quiet = TRUE)
  frozen <- new
  dispersionFunction(frozen) <- dispersionFunction(fitted)
  put(assay(varianceStabilizingTransformation(frozen, blind = FALSE)), paste0("frozen_vst_", kind))
}
fitted <- estimateDispersions(old, quiet = TRUE)
first_rlog <- rlog(fitted, blind = FALSE)
put(assay(first_rlog), "rlog_first")
for (which in list(later, later[1])) {
  frozen <- made(which)
  sizeFactors(frozen) <- scale[match(which, later)]
  mcols(frozen)$dispFit <- mcols(fitted)$dispFit
  out <- rlog(frozen, blind = FALSE, intercept = mcols(first_rlog)$rlogIntercept,
              betaPriorVar = attr(first_rlog, "betaPriorVar"))
  put(assay(out), if (length(which) == 2) "frozen_rlog" else "frozen_rlog_one")
}

replaced <- DESeq(made(1:10), minReplicatesForReplace = 3, quiet = TRUE)
put(assay(varianceStabilizingTransformation(replaced, blind = FALSE)), "vst_replaced")
put(assay(rlog(replaced, blind = FALSE)), "rlog_replaced")

weighted <- made(1:10)[-(1:4), ]
assays(weighted)[["weights"]] <- w[-(1:4), ]
weighted <- DESeq(weighted, quiet = TRUE)
put(assay(varianceStabilizingTransformation(weighted, blind = FALSE)), "vst_weights")
put(assay(rlog(weighted, blind = FALSE)), "rlog_weights")

lengths <- matrix(exp(rnorm(n, 7, 0.6)), n, m) * exp(matrix(rnorm(n * m, 0, 0.1), n))
dimnames(lengths) <- dimnames(k)
put(lengths, "lengths")
long <- made(1:10)
assays(long)[["avgTxLength"]] <- lengths
put(fpkm(long), "fpkm_lengths")
put(fpkm(long, robust = FALSE), "fpkm_lengths_library")

for (form in c("alpha", "shift")) for (power in 1:2) {
  extra <- if (form == "alpha") list(alpha = 0.05) else list(shift = 0.5)
  out <- do.call(unmix, c(list(x = mixed, pure = pure, power = power, quiet = TRUE), extra))
  put(out, sprintf("unmix_%s_%d", form, power))
}
out <- unmix(mixed, pure, alpha = 0.05, power = 2, format = "list", quiet = TRUE)
put(out$fitted, "unmix_fitted")
put(cbind(cor = out$cor), "unmix_cor")

# A weight of 0 leaves the term of its sample without a variance: R then hands the gene to its general optimiser.
none <- w[-(1:4), ]
none[seq(3, length(none), by = 40)] <- 0
assays(weighted)[["weights"]] <- none
weighted <- DESeq(weighted, quiet = TRUE)
put(assay(rlog(weighted, blind = FALSE)[1:60, ]), "rlog_weights_of_0")
