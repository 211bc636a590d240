#!/usr/bin/env Rscript
# What DESeq2 answers to the cases of cases.json: tables/CASE.tsv.gz and tables/CASE.json.
#
#     Rscript make_tables.R [regex on case names]
#
# README.md says what a case is made of and with which versions the tables were made.

suppressPackageStartupMessages({
  library(DESeq2)
  library(jsonlite)
})
invisible(Sys.setlocale("LC_COLLATE", "C"))  # strings become factors in the order of the C locale

wanted <- c(commandArgs(trailingOnly = TRUE), "")[1]
shipped <- file.path("..", "..", "..", "src", "foldwise", "datasets", "data")

# ---------------------------------------------------------------------------------------------------- what goes in
matrix_of <- function(name, what) {
  folder <- if (file.exists(file.path("data", paste0(name, ".samples.tsv")))) "data" else shipped
  as.matrix(read.delim(file.path(folder, paste0(name, ".", what, ".tsv.gz")), row.names = 1, check.names = FALSE))
}

samples_of <- function(case, experiments) {
  folder <- if (file.exists(file.path("data", paste0(case$data, ".samples.tsv")))) "data" else shipped
  s <- read.delim(file.path(folder, paste0(case$data, ".samples.tsv")), row.names = 1, colClasses = "character", quote = "")
  if (!is.null(case$samples)) s <- s[unlist(case$samples), , drop = FALSE]
  about <- experiments[[case$data]]
  factors <- about$factors
  factors[names(case$factors)] <- case$factors
  for (n in names(factors)) s[[n]] <- factor(s[[n]], levels = unlist(factors[[n]]))
  for (n in unlist(about$numbers)) s[[n]] <- as.numeric(s[[n]])
  s
}

own_matrix <- function(formula, samples) {
  m <- stats::model.matrix.default(stats::as.formula(formula), data = as.data.frame(samples))
  attributes(m)[c("assign", "contrasts")] <- NULL
  m
}
model_of <- function(spec, samples) if (is.list(spec)) own_matrix(spec$matrix, samples) else stats::as.formula(spec)

plain <- function(x) {
  if (is.list(x) && is.null(names(x))) x <- unlist(x)
  if (identical(x, "Inf")) Inf else x
}
contrast_of <- function(x) {
  if (!is.null(x$numbers)) return(as.numeric(unlist(x$numbers)))
  if (!is.null(x$lists)) return(lapply(x$lists, function(names) as.character(unlist(names))))
  as.character(unlist(x))
}

# ---------------------------------------------------------------------------------------------------- what comes out
# As many of 17 digits as give the same double back.
digits <- function(x) {
  if (!is.double(x)) {
    text <- as.character(x)
  } else {
    text <- sprintf("%.15g", x)
    more <- is.finite(x) & suppressWarnings(as.numeric(text)) != x
    text[more] <- sprintf("%.17g", x[more])
  }
  text[is.na(x)] <- "NA"
  text
}

write_columns <- function(columns, genes, path) {
  con <- gzfile(path, "wb", compression = 9)
  writeLines(c(paste(c("gene", names(columns)), collapse = "\t"), do.call(paste, c(list(genes), unname(columns), sep = "\t"))), con)
  close(con)
}

labelled <- function(prefix, table, columns = colnames(table)) {
  out <- lapply(columns, function(n) digits(table[[n]]))
  names(out) <- paste0(prefix, "/", columns)
  out
}

caught <- function(expr) {
  tryCatch(suppressMessages(suppressWarnings(expr)), error = function(e) structure(list(why = gsub("\\s+", " ", conditionMessage(e))), class = "refusal"))
}
refused <- function(x) inherits(x, "refusal")

GENES <- c("baseMean", "baseVar", "allZero", "dispGeneEst", "dispFit", "dispersion", "dispOutlier", "dispMAP", "betaIter", "deviance", "maxCooks", "replace")

fitted_columns <- function(dds) {
  g <- mcols(dds)
  names <- intersect(resultsNames(dds), colnames(g))
  se <- g[, paste0("SE_", names), drop = FALSE]
  colnames(se) <- names
  c(labelled("genes", g, intersect(GENES, colnames(g))), labelled("coefficients", g, names), labelled("errors", se, names))
}

numbers_of <- function(dds) {
  f <- dispersionFunction(dds)
  trend <- list(kind = attr(f, "fitType"), coefficients = as.list(attr(f, "coefficients")), prior_variance = attr(f, "dispPriorVar"))
  prior <- if (isTRUE(attr(dds, "betaPrior"))) I(as.numeric(attr(dds, "betaPriorVar")))
  list(names = I(resultsNames(dds)), size_factors = if (!is.null(sizeFactors(dds))) I(unname(sizeFactors(dds))), trend = trend, coefficient_prior = prior)
}

asked <- function(dds, args) {
  a <- lapply(args[setdiff(names(args), "contrast")], plain)
  if (!is.null(args$contrast)) a$contrast <- contrast_of(args$contrast)
  if (is.character(a$filter)) a$filter <- mcols(dds)[[a$filter]]
  caught(do.call(results, c(list(dds), a)))
}

prepared <- function(case, samples) {
  counts <- matrix_of(case$data, "counts")[, rownames(samples), drop = FALSE]
  if (!is.null(case$genes)) counts <- counts[seq(case$genes[[1]], case$genes[[2]]), , drop = FALSE]
  if (isTRUE(case$with_counts)) counts <- counts[rowSums(counts) > 0, , drop = FALSE]
  beside <- function(what) matrix_of(case$data, what)[rownames(counts), rownames(samples), drop = FALSE]
  dds <- DESeqDataSetFromMatrix(counts, samples, model_of(case$design, samples))
  if ("factors" %in% case$beside) normalizationFactors(dds) <- beside("factors")
  if ("weights" %in% case$beside) assays(dds)[["weights"]] <- beside("weights")
  if ("lengths" %in% case$beside) assays(dds)[["avgTxLength"]] <- beside("lengths")
  if (!is.null(case$size_factors)) sizeFactors(dds) <- as.numeric(unlist(case$size_factors))
  dds
}

run <- function(case, experiments) {
  samples <- samples_of(case, experiments)
  dds <- caught({
    args <- lapply(case$fit, plain)
    for (which in intersect(c("reduced", "full"), names(args))) args[[which]] <- model_of(case$fit[[which]], samples)
    do.call(DESeq, c(list(prepared(case, samples)), args, quiet = TRUE))
  })
  path <- file.path("tables", case$case)
  if (refused(dds)) return(write_json(list(error = dds$why), paste0(path, ".json"), auto_unbox = TRUE, pretty = 1))
  numbers <- numbers_of(dds)
  columns <- if (isTRUE(case$only_results)) list() else fitted_columns(dds)
  for (name in names(case$results)) {
    r <- asked(dds, case$results[[name]])
    if (refused(r)) numbers$refused[[name]] <- r$why
    else columns <- c(columns, labelled(name, r))
    if (!refused(r)) numbers$thresholds[[name]] <- unname(metadata(r)$filterThreshold)
  }
  write_columns(columns, rownames(dds), paste0(path, ".tsv.gz"))
  write_json(Filter(Negate(is.null), numbers), paste0(path, ".json"), auto_unbox = TRUE, digits = I(17), pretty = 1)
}

dir.create("tables", showWarnings = FALSE)
book <- fromJSON("cases.json", simplifyVector = FALSE)
for (case in book$cases) {
  if (!grepl(wanted, case$case)) next
  run(case, book$experiments)
  cat(case$case, "\n")
}
versions <- c(R = paste(R.version$major, R.version$minor, sep = "."), sapply(c("DESeq2", "locfit"), function(p) as.character(packageVersion(p))))
cat(names(versions), versions, "\n")
