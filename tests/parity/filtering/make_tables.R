# Adjusted p-values and smooth curves as R computes them; writes the tables of this folder.
# Rscript make_tables.R
write_table <- function(x, name) write.table(format(x, digits = 17, trim = TRUE), name, sep = "\t", quote = FALSE, row.names = FALSE)

set.seed(1)
p <- c(runif(40)^3, 1e-12, 0, 1, 1, 0.02, 0.02, 0.02, NA, NA)
methods <- c("holm", "hochberg", "hommel", "bonferroni", "BH", "BY", "fdr", "none")
adjusted <- data.frame(p = p)
for (method in methods) {
  adjusted[[method]] <- p.adjust(p, method)
  adjusted[[paste0(method, "_of_60")]] <- p.adjust(p, method, n = 60)
}
write_table(adjusted, "adjusted.tsv")

curves <- list(
  counts = list(x = seq(0.1, 0.95, length.out = 50), y = round(200 * dbeta(seq(0.1, 0.95, length.out = 50), 1.2, 4) + rpois(50, 6))),
  flat = list(x = seq(0, 0.95, length.out = 50), y = rep(37, 50)),
  jump = list(x = seq(0, 0.95, length.out = 50), y = c(rep(90, 20), rep(100, 30))),
  uneven = list(x = sort(c(runif(60), 0.5, 0.5, 0.5, 0.5001, 0.5002)), y = rpois(65, 20)),
  unsorted = list(x = c(0.6, 0.1, 0.4, 0.2, 0.9, 0.3), y = c(3, 9, 5, 8, 1, 6)),
  two = list(x = c(0.2, 0.5), y = c(258, 197)),
  three = list(x = c(0.2, 0.5, 0.6), y = c(258, 197, 190)))
smooth <- do.call(rbind, lapply(names(curves), function(name) {
  with(curves[[name]], data.frame(curve = name, x = x, y = y, fifth_x = lowess(x, y, f = 1/5)$x,
    fifth = lowess(x, y, f = 1/5)$y, wide = lowess(x, y)$y, plain = lowess(x, y, f = 1/3, iter = 0)$y))
}))
write_table(smooth, "lowess.tsv")
