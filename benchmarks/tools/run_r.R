# One workload with R DESeq2; prints a line of JSON. Arguments: what, design, reduced, folder, threads.
Sys.setlocale("LC_COLLATE", "C")
begin <- proc.time()
suppressPackageStartupMessages(library(DESeq2))
loaded <- (proc.time() - begin)[["elapsed"]]
a <- commandArgs(TRUE)
what <- a[1]; design <- as.formula(a[2]); reduced <- a[3]; folder <- a[4]; threads <- as.integer(a[5])
samples <- read.delim(file.path(folder, "samples.tsv"), row.names = 1, stringsAsFactors = TRUE)
genes <- readLines(file.path(folder, "genes.txt"))
values <- readBin(file.path(folder, "counts.bin"), "integer", n = length(genes) * nrow(samples), size = 4)
counts <- matrix(values, nrow = length(genes), dimnames = list(genes, rownames(samples)))
parallel <- threads > 1
if (parallel) BiocParallel::register(BiocParallel::MulticoreParam(threads))
out <- list(import_wall = loaded)
timed <- function(name, expression) {
  before <- proc.time()
  value <- force(expression)
  took <- proc.time() - before
  out[[paste0(name, "_cpu")]] <<- sum(took[c(1, 2, 4, 5)], na.rm = TRUE)
  out[[paste0(name, "_wall")]] <<- took[["elapsed"]]
  value
}
dds <- suppressMessages(DESeqDataSetFromMatrix(counts, samples, design))
if (what == "vst") {
  timed("vst", vst(dds))
} else if (what == "rlog") {
  timed("rlog", suppressMessages(rlog(dds)))
} else {
  dds <- timed("fit", if (what == "lrt") DESeq(dds, test = "LRT", reduced = as.formula(reduced), quiet = TRUE, parallel = parallel)
               else DESeq(dds, quiet = TRUE, parallel = parallel))
  timed("results", results(dds))
  if (what == "apeglm" && requireNamespace("apeglm", quietly = TRUE))
    timed("apeglm", lfcShrink(dds, coef = length(resultsNames(dds)), type = "apeglm", quiet = TRUE))
}
status <- readLines("/proc/self/status")
peak <- as.numeric(gsub("[^0-9]", "", grep("VmHWM", status, value = TRUE))) / 1024
out$peak_mb <- peak
cat("{", paste(sprintf('"%s": %s', names(out), vapply(out, format, "", digits = 6)), collapse = ", "), "}\n", sep = "")
