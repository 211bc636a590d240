# Makes small salmon, kallisto and RSEM files and R's answers: Rscript make_quantifications.R (R 4.2.2, tximport 1.26.1).
invisible(Sys.setlocale("LC_COLLATE", "C"))
suppressPackageStartupMessages(library(tximport))
set.seed(3)
n <- 24; tx <- sprintf("ENST%03d.%d", 1:n, sample(1:5, n, TRUE))
gene <- sample(c("zeta", "Beta", "alpha", "Gamma", "delta10", "delta9", "off"), n, TRUE); gene[1:2] <- "off"
write.table(data.frame(TXNAME = tx, GENEID = gene), "tx2gene.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
samples <- c("c1", "c2", "t1"); len <- sample(300:4000, n)
out <- function(x, file) write.table(x, file, sep = "\t", quote = FALSE, row.names = FALSE)
for (s in samples) {
  eff <- round(pmax(len - 180 + rnorm(1, 0, 20), 10), 3); num <- round(rgamma(n, 0.6, 0.002), 3); num[gene == "off"] <- 0
  if (s == "c2") num[gene == "zeta"] <- 0
  tpm <- round(1e6 * (num / eff) / sum(num / eff), 6)
  dir.create(s, FALSE)
  out(data.frame(Name = tx, Length = len, EffectiveLength = eff, TPM = tpm, NumReads = num), file.path(s, "quant.sf"))
  out(data.frame(target_id = tx, length = len, eff_length = eff, est_counts = num, tpm = tpm), file.path(s, "abundance.tsv"))
  out(data.frame(transcript_id = tx, gene_id = gene, length = len, effective_length = eff, expected_count = num, TPM = tpm, FPKM = tpm, IsoPct = 1), file.path(s, paste0(s, ".isoforms.results")))
  agg <- function(x) tapply(x, gene, sum)
  out(data.frame(gene_id = names(agg(num)), `transcript_id(s)` = tapply(tx, gene, paste, collapse = ","), length = round(as.numeric(agg(len) / table(gene)), 2),
                 effective_length = ifelse(agg(num) > 0, round(agg(eff * num) / agg(num), 2), 0), expected_count = agg(num), TPM = agg(tpm), FPKM = agg(tpm), check.names = FALSE),
      file.path(s, paste0(s, ".genes.results")))
}
f <- function(name) setNames(file.path(samples, sub("SAMPLE", "S", name)), samples)
t2g <- read.delim("tx2gene.tsv")
save_answer <- function(name, ...) {
  x <- suppressMessages(tximport(...))
  for (w in c("counts", "length")) write.table(format(x[[w]], digits = 17), file.path("answers", paste0(name, ".", w, ".tsv")), sep = "\t", quote = FALSE)
}
dir.create("answers", FALSE)
salmon <- setNames(file.path(samples, "quant.sf"), samples)
for (m in c("no", "scaledTPM", "lengthScaledTPM")) save_answer(paste0("salmon_", m), salmon, "salmon", tx2gene = t2g, countsFromAbundance = m)
for (m in c("no", "scaledTPM", "lengthScaledTPM", "dtuScaledTPM")) save_answer(paste0("transcripts_", m), salmon, "salmon", tx2gene = t2g, txOut = TRUE, countsFromAbundance = m)
half <- t2g[-(1:5), ]; half$TXNAME <- sub("\\..*", "", half$TXNAME); write.table(half, "tx2gene_unversioned.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
save_answer("salmon_unversioned", salmon, "salmon", tx2gene = half, ignoreTxVersion = TRUE)
save_answer("kallisto_no", setNames(file.path(samples, "abundance.tsv"), samples), "kallisto", tx2gene = t2g)
rsem <- setNames(file.path(samples, paste0(samples, ".genes.results")), samples)
for (m in c("no", "lengthScaledTPM")) save_answer(paste0("rsem_", m), rsem, "rsem", txIn = FALSE, txOut = FALSE, countsFromAbundance = m)
save_answer("rsem_isoforms", setNames(file.path(samples, paste0(samples, ".isoforms.results")), samples), "rsem", tx2gene = t2g, txIn = TRUE, txOut = FALSE)
