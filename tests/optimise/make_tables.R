# The tables of this folder: what R's own optim(), optimize() and uniroot() answer. Base R is enough.
#   Rscript make_tables.R tables [number of negative binomial objectives] [seed]
# One line a case, fields separated by tabs, vectors by spaces, numbers with 17 digits.

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
n_objectives <- if (length(arguments) > 1) as.integer(arguments[2]) else 120L
set.seed(if (length(arguments) > 2) as.integer(arguments[3]) else 1L)

vector_text <- function(x) paste(sprintf("%.17g", as.numeric(x)), collapse = " ")
write_lines <- function(header, rows, name) {
  connection <- gzfile(file.path(folder, paste0(name, ".tsv.gz")), "wb")
  writeLines(c(paste(header, collapse = "\t"), rows), connection)
  close(connection)
}

# 1. Negative binomial objectives: log2 coefficients in [-30, 30] -------------------------------------------------
objective_of <- function(counts, factors, weights, X, alpha, ridge) function(b) {
  eta <- numeric(nrow(X)); for (k in seq_along(b)) eta <- eta + b[k] * X[, k]
  mu <- factors * 2^eta
  likelihood <- sum(weights * dnbinom(counts, mu = mu, size = 1 / alpha, log = TRUE))
  prior <- sum(dnorm(b, 0, sqrt(1 / ridge), log = TRUE))
  value <- -(likelihood + prior)
  if (is.finite(value)) value else 1e300
}
one_objective <- function(i) {
  p <- sample(2:8, 1, prob = c(4, 4, 3, 2, 2, 1, 1)); m <- p + sample(2:10, 1)
  kind <- sample(c("covariate", "groups", "tied"), 1)
  X <- cbind(1, switch(kind,
    covariate = matrix(rnorm(m * (p - 1), sd = sample(c(0.1, 1, 5), 1)), m),
    groups = matrix(sample(0:1, m * (p - 1), TRUE), m),
    tied = matrix(sample(c(-1, 0, 1, 2), m * (p - 1), TRUE), m)))
  alpha <- 10^(if (runif(1) < 0.3) runif(1, -8, 3) else runif(1, -2, 1.5))
  factors <- exp(rnorm(m, sd = 0.4))
  counts <- switch(sample(c("sparse", "on_off", "usual"), 1),
    sparse = rnbinom(m, mu = 0.7, size = 1),
    on_off = ifelse(X[, p] > 0, rpois(m, 10^runif(1, 0, 4)), 0),
    usual = rnbinom(m, mu = 10^runif(1, 0, 4), size = 2))
  weights <- if (runif(1) < 0.25) { w <- runif(m); w / max(w) } else rep(1, m)
  ridge <- if (runif(1) < 0.2) c(1e-6, 10^runif(p - 1, -2, 1)) else rep(1e-6, p)
  start <- if (runif(1) < 0.2) sample(c(-30, 30, 0), p, TRUE) else if (runif(1) < 0.5) rnorm(p, sd = 10) else rnorm(p)
  f <- objective_of(counts, factors, weights, X, alpha, ridge)
  o <- optim(start, f, method = "L-BFGS-B", lower = -30, upper = 30)
  paste(vector_text(counts), vector_text(factors), vector_text(weights), vector_text(t(X)), vector_text(alpha),
    vector_text(ridge), vector_text(start), vector_text(o$par), vector_text(o$value), o$convergence, o$counts[1], sep = "\t")
}
write_lines(c("counts", "factors", "weights", "matrix", "alpha", "ridge", "start", "point", "value", "code", "evaluations"),
  vapply(seq_len(n_objectives), one_objective, ""), "negative_binomial")

# 2. Plain functions ------------------------------------------------------------------------------------------------
rosenbrock <- function(x) 100 * (x[2] - x[1] * x[1]) * (x[2] - x[1] * x[1]) + (1 - x[1]) * (1 - x[1])
slopes_of_rosenbrock <- function(x) c(-400 * x[1] * (x[2] - x[1] * x[1]) - 2 * (1 - x[1]), 200 * (x[2] - x[1] * x[1]))
quadratic <- function(x) { s <- 0; for (i in seq_along(x)) s <- s + i * ((x[i] - i) * (x[i] - i)); s + x[1] * x[2] }
flat <- function(x) { d <- x[1] + x[2] - 3; d * d }
valley <- function(x) { s <- 0; for (i in seq_len(length(x) - 1)) { a <- x[i + 1] - x[i] * x[i]; b <- 1 - x[i]; s <- s + 100 * (a * a) + b * b }; s }
functions <- list(rosenbrock = rosenbrock, quadratic = quadratic, flat = flat, valley = valley)
Inf_text <- function(x) gsub("-Inf", "-inf", gsub("Inf", "inf", x))
plain <- function(name, start, lower = -Inf, upper = Inf) {
  o <- optim(start, functions[[name]], method = "L-BFGS-B", lower = lower, upper = upper)
  n <- length(start)
  paste(name, vector_text(start), Inf_text(vector_text(rep_len(lower, n))), Inf_text(vector_text(rep_len(upper, n))),
    vector_text(o$par), vector_text(o$value), o$convergence, o$counts[1], o$message, sep = "\t")
}
rows <- c(
  plain("rosenbrock", c(-1.2, 1)), plain("rosenbrock", c(-1.2, 1), -30, 30),
  plain("rosenbrock", c(-1.2, 1), c(-2, -2), c(0.5, 3)), plain("rosenbrock", c(5, 5), c(1.5, -Inf), c(Inf, 2)),
  plain("quadratic", c(0, 0, 0)), plain("quadratic", c(0, 0, 0), -1, 1.5), plain("quadratic", c(9, 9, 9, 9), c(0, 3, -Inf, -5), c(0.5, 4, 2, Inf)),
  plain("quadratic", 1:6 / 3, -10, 2.5), plain("flat", c(0, 0), -10, 10), plain("flat", c(1, 2), -10, 10), plain("flat", c(-4, 1)),
  plain("valley", rep(-1, 6)), plain("valley", rep(c(-1.2, 1), 4), -1.5, 0.8), plain("valley", seq(-2, 2, length.out = 12)),
  plain("valley", rep(2, 10), c(rep(-Inf, 5), rep(-0.5, 5)), c(rep(0.7, 3), rep(Inf, 7))))
for (i in 1:40) { # random boxes: some sides open, some closed, some variables fixed by their box
  n <- sample(2:7, 1); lower <- rnorm(n, -1.5); upper <- lower + rexp(n)
  lower[runif(n) < 0.3] <- -Inf; upper[runif(n) < 0.3] <- Inf
  rows <- c(rows, plain(sample(c("valley", "quadratic"), 1), rnorm(n, sd = 2), lower, upper))
}
write_lines(c("objective", "start", "lower", "upper", "point", "value", "code", "evaluations", "message"), rows, "plain")

# 3. Nelder-Mead and BFGS ----------------------------------------------------------------------------------------------
bowl <- function(x) (x[1] - 1) * (x[1] - 1) + (x[2] - 2) * (x[2] - 2) + x[1] * x[2]
steep <- function(x) if (x[1] < 0.5) Inf else { d <- log(x[1]) + x[2]; d * d + 0.01 * (x[1] * x[1]) }
functions <- c(functions, list(bowl = bowl, steep = steep))
free <- function(method, name, start, gradient = NULL, ...) {
  o <- optim(start, functions[[name]], gradient, method = method, ...)
  paste(method, name, !is.null(gradient), vector_text(start), vector_text(o$par), vector_text(o$value), o$convergence, o$counts[1],
    o$counts[2], sep = "\t")
}
rows <- character()
for (method in c("Nelder-Mead", "BFGS")) rows <- c(rows,
  free(method, "bowl", c(0, 0)), free(method, "rosenbrock", c(-1.2, 1)), free(method, "rosenbrock", c(30, -4)),
  free(method, "quadratic", c(0, 0, 0)), free(method, "quadratic", c(-40, 3, 0.1, 2, 8)), free(method, "flat", c(0, 0)), free(method, "flat", c(1, 2)),
  free(method, "valley", rep(-1, 4)), free(method, "valley", c(1.5, -0.5, 2)))
rows <- c(rows, free("Nelder-Mead", "steep", c(3, 1)), free("Nelder-Mead", "steep", c(0.6, -2)), free("BFGS", "rosenbrock", c(-1.2, 1), slopes_of_rosenbrock), free("BFGS", "rosenbrock", c(10, -10), slopes_of_rosenbrock))
for (i in 1:20) for (method in c("Nelder-Mead", "BFGS")) rows <- c(rows, free(method, sample(c("valley", "quadratic"), 1), rnorm(sample(2:5, 1), sd = 3)))
write_lines(c("method", "objective", "gradient", "start", "point", "value", "code", "evaluations", "gradients"), rows, "free")

# 4. One variable --------------------------------------------------------------------------------------------------------
curves <- list(cubic = function(x) x * x * x - 2 * x - 5, wave = function(x) cos(x) - x, steep = function(x) exp(x) - 1e-3,
  bent = function(x) { d <- x - 1 / 3; d * d }, walled = function(x) abs(x - 0.7) + 0.1 * x)
one <- function(kind, name, lower, upper, tol) {
  o <- if (kind == "minimum") optimize(curves[[name]], c(lower, upper), tol = tol) else uniroot(curves[[name]], c(lower, upper), tol = tol)
  at <- if (kind == "minimum") o$minimum else o$root
  value <- if (kind == "minimum") o$objective else o$f.root
  paste(kind, name, vector_text(c(lower, upper)), vector_text(tol), vector_text(at), vector_text(value), sep = "\t")
}
rows <- character()
for (tol in c(.Machine$double.eps^0.25, 1e-8)) rows <- c(rows,
  one("minimum", "bent", 0, 1, tol), one("minimum", "bent", -3, 20, tol), one("minimum", "walled", -1, 4, tol), one("minimum", "cubic", 0, 3, tol),
  one("minimum", "wave", 1, 6, tol), one("minimum", "steep", -30, 30, tol), one("root", "cubic", 2, 3, tol), one("root", "cubic", -10, 40, tol),
  one("root", "wave", 0, 1, tol), one("root", "wave", -20, 30, tol), one("root", "steep", -30, 30, tol), one("root", "steep", -400, 3, tol))
write_lines(c("kind", "curve", "interval", "tolerance", "at", "value"), rows, "one_variable")

# 5. The density -----------------------------------------------------------------------------------------------------------
n <- 1500
counts <- c(rpois(1000, 10^runif(1000, -1, 5)), sample(0:40, 500, TRUE)); alpha <- 10^runif(n, -8, 3)
mu <- pmax(counts, 0.1) * 10^rnorm(n)
write_lines(c("count", "mean", "alpha", "log_density"), sprintf("%.17g\t%.17g\t%.17g\t%.17g", counts, mu, alpha,
  dnbinom(counts, mu = mu, size = 1 / alpha, log = TRUE)), "density")

# 6. Least squares where a GLM starts ------------------------------------------------------------------------------------
one_start <- function(i) {
  repeat {
    p <- sample(1:5, 1); m <- p + sample(1:9, 1)
    X <- cbind(1, if (i %% 2) matrix(rnorm(m * (p - 1)), m) else matrix(sample(0:1, m * (p - 1), TRUE), m))
    q <- qr(X)
    if (q$rank == p) break
  }
  y <- log(rpois(m, 5) / exp(rnorm(m, sd = 0.3)) + 0.1)
  paste(vector_text(t(X)), vector_text(y), vector_text(solve(qr.R(q), t(qr.Q(q)) %*% y)), sep = "\t")
}
write_lines(c("matrix", "response", "coefficients"), vapply(1:60, one_start, ""), "least_squares")
