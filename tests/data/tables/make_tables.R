# Makes the tables of this folder as R writes them: Rscript make_tables.R (R 4.2.2).
invisible(Sys.setlocale("LC_COLLATE", "C"))
counts <- data.frame(`S-1` = c(0L, 10L, 100000L), `2` = c(5L, 1234567L, 7L), row.names = c("ENSG01", "5'-nt \"x\"", "NA"), check.names = FALSE)
write.table(counts, "write_table.txt")                                          # spaces, quotes, header one short
write.table(counts, "write_table_tab.tsv", sep = "\t", quote = FALSE)           # header one short
write.table(counts, "col_names_na.tsv", sep = "\t", col.names = NA)
write.csv(counts, "write_csv.csv")
write.csv2(cbind(counts + 0.5, desc = c("a;b", "c", "d, e")), "write_csv2.csv") # semicolons and decimal commas
write.csv(read.delim("col_names_na.tsv", row.names = 1, na.strings = ""), "mangled.csv")              # names changed by check.names
samples <- data.frame(condition = factor(c("treated", "untreated"), levels = c("untreated", "treated")), rin = c(7.5, NA), row.names = c("S-1", "2"))
write.csv(samples, "samples.csv"); write.csv2(samples, "samples_csv2.csv"); write.table(samples, "samples.txt")

set.seed(1)
x <- c(0, 1, -1, 10, 1e5, 123456, 1e15, 1e16, 123456789012345678, 0.1 + 0.2, 1e-4, 1.2e-4, 1.234e-4, 1e-5, 1e-15, 1.5e-300, 1/3, 2/3 * 1e10, -2/3 * 1e-10,
       100000.5, 3e5, 314159.26535897932, 1e22, 5e-324, 1.7976931348623157e308, 99999.999999999999, 0.99999999999999999, NA, Inf, -Inf, rnorm(50), exp(rnorm(100, 0, 20)))
con <- file("r_numbers.tsv", "w"); writeLines("hex\ttext", con)
text <- capture.output(write.table(data.frame(x), quote = FALSE, row.names = FALSE, col.names = FALSE))
writeLines(paste(sprintf("%a", x), text, sep = "\t"), con); close(con)
