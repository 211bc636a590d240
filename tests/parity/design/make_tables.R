#!/usr/bin/env Rscript
# R's answers for designs: model.matrix for every line of formulas.txt, and what DESeq2 calls the coefficients
# and the comparisons.
#
#     Rscript make_tables.R        (here; writes model_matrices.json.gz and names.json)

suppressPackageStartupMessages({library(DESeq2); library(jsonlite)})
invisible(Sys.setlocale("LC_COLLATE", "C"))

samples <- read.delim("samples.tsv", row.names = 1, check.names = FALSE, stringsAsFactors = TRUE)
samples$l <- as.logical(samples$l)
samples$n <- as.numeric(samples$n)
refused <- function(e) list(error = gsub("\\s+", " ", conditionMessage(e)))
write_gz <- function(x, path) {
  con <- gzfile(path, "wb", compression = 9)
  writeLines(toJSON(x, digits = 13, auto_unbox = TRUE), con)
  close(con)
}

matrices <- lapply(readLines("formulas.txt"), function(f) tryCatch({
  m <- suppressWarnings(model.matrix.default(as.formula(f), data = samples))
  list(formula = f, names = I(colnames(m)), values = unname(lapply(seq_len(ncol(m)), function(k) I(signif(unname(m[, k]), 13)))))
}, error = function(e) c(list(formula = f), refused(e))))
write_gz(matrices, "model_matrices.json.gz")

set.seed(1)
counts <- matrix(rnbinom(60 * nrow(samples), mu = 100, size = 5), ncol = nrow(samples), dimnames = list(paste0("g", 1:60), rownames(samples)))
fit <- function(f, ...) suppressMessages(suppressWarnings(DESeq(DESeqDataSetFromMatrix(counts, samples, as.formula(f)), fitType = "mean", ...)))
ask <- function(dds, args) tryCatch({
  a <- args
  if (is.list(a$contrast) && !is.null(a$contrast$numeric)) a$contrast <- unlist(a$contrast$numeric)
  list(args = args, description = sub("^[^:]*: ", "", mcols(do.call(results, c(list(dds), a)))$description[2]))
}, error = function(e) c(list(args = args), refused(e)))

one <- function(design, expanded = FALSE, ask_for = list()) tryCatch({
  dds <- if (expanded) fit(design, betaPrior = TRUE) else fit(design)
  list(design = design, expanded = expanded, names = I(resultsNames(dds)), results = lapply(ask_for, function(a) ask(dds, a)))
}, error = function(e) c(list(design = design, expanded = expanded), refused(e)))

words <- list(list(), list(contrast = c("c", "c3", "c2")), list(contrast = c("c", "c1", "c3")), list(name = "c_c2_vs_c1"),
              list(contrast = list("c_c2_vs_c1", "c_c3_vs_c1"), listValues = c(1/3, -12.34567)), list(contrast = list(character(), "c_c3_vs_c1")),
              list(contrast = list(numeric = c(0, 0, 1/3, -2/3))), list(contrast = list(numeric = c(0, 0, 1e-20, 1e5))),
              list(contrast = c("c", "c1", "c1")), list(contrast = c("c", "c9", "c1")), list(contrast = c("x", "1", "0")))
names_ <- list(
  one("~ a + c", ask_for = words),
  one("~ a * c", ask_for = list(list(), list(contrast = c("c", "c3", "c2")))),
  one("~ 0 + c", ask_for = list(list(), list(contrast = c("c", "c3", "c2")), list(name = "cc2"))),
  one("~ 0 + a + c", ask_for = list(list(), list(contrast = c("c", "c3", "c2")), list(contrast = c("c", "c1", "c2")))),
  one("~ d + x", ask_for = list(list(), list(contrast = c("d", "x-1", "be ta")))),
  one("~ a + c", TRUE, list(list(), list(contrast = c("a", "a2", "a1")), list(name = "cc2"))),
  one("~ l + factor(n) + c", TRUE, list(list())),
  one("~ a + x", TRUE, list(list())),
  one("~ a + a:x"), one("~ a + poly(x, 2)"), one("~ I(x^2) + log(y)"), one("~ l"), one("~ factor(n) + a"), one("~ relevel(c, ref = 'c3')"),
  one("~ scale(x, scale = FALSE) + cut(y, 3)"), one("~ a:b"), one("~ a + I(x > 0)"), one("~ interaction(a, b)"), one("~ x + I(2 * x)"),
  one("~ 0 + a", TRUE), one("~ a * b", TRUE), one("~ absent"), one("~ a + b + interaction(a, b)"))
writeLines(toJSON(names_, digits = 16, auto_unbox = TRUE, pretty = 1), "names.json")
