# Golden numbers of test_orientation_reference.py: Rscript make_references.R
# Cronbach's alpha and Feldt's interval in base R; the mixed model by nlme (Pinheiro & Bates 2000).
suppressMessages(library(nlme))
set.seed(82, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")

employees <- 31
person <- rnorm(employees)
selling <- 13:24
sheets <- sapply(1:24, function(item) {
  sign <- if (item %in% selling) -1 else 1
  pmin(9, pmax(1, round(5.5 + sign * (0.6 + item / 40) * person + 1.4 * rnorm(employees))))
})
colnames(sheets) <- sprintf("item_%02d", 1:24)
write.csv(cbind(employee = 1:employees, sheets), "sheets.csv", row.names = FALSE)

served <- data.frame(employee = rep(1:employees, times = 3 + (7 * (1:employees)) %% 23))
served$touchpoint <- c("chat", "phone", "shop")[1 + sample(0:2, nrow(served), TRUE)]
served$tenure <- round(rexp(nrow(served), 1 / 20), 1)
level <- 3 + 0.25 * person + 0.3 * rnorm(employees)
served$score <- round(level[served$employee] + 0.3 * (served$touchpoint == "chat") +
  0.01 * served$tenure + 0.9 * rnorm(nrow(served)), 2)
# Without levels of their own: the variance between employees is estimated at its bound.
served$even <- round(3 + 0.9 * rnorm(nrow(served)), 2)
served$even <- round(served$even - 0.999 * (ave(served$even, served$employee) - mean(served$even)), 2)
write.csv(served, "served.csv", row.names = FALSE)

sheets <- read.csv("sheets.csv")
served <- read.csv("served.csv")
out <- c()
put <- function(name, value) out <<- c(out, sprintf("%s,%.17g", name, unname(value)))

keyed <- as.matrix(sheets[, -1])
keyed[, selling] <- 10 - keyed[, selling]
alpha <- function(name, items) {
  n <- nrow(items)
  k <- ncol(items)
  covariances <- cov(items)
  value <- k / (k - 1) * (1 - sum(diag(covariances)) / sum(covariances))
  put(name, value)
  put(paste0(name, "_lower"), 1 - (1 - value) * qf(0.975, n - 1, (n - 1) * (k - 1)))
  put(paste0(name, "_upper"), 1 - (1 - value) * qf(0.025, n - 1, (n - 1) * (k - 1)))
  put(paste0(name, "_rest_3"), cor(items[, 3], rowSums(items[, -3])))
}
alpha("customer", keyed[, -selling])
alpha("selling", keyed[, selling])
alpha("overall", keyed)
overall <- rowMeans(keyed)
put("mean", mean(overall))
put("spread", sd(overall))

served$orientation <- ((overall - mean(overall)) / sd(overall))[served$employee]
control <- lmeControl(
  msMaxIter = 500, tolerance = 1e-12, msTol = 1e-14, niterEM = 200,
  opt = "optim", optimMethod = "BFGS", msVerbose = FALSE, reltol = 1e-15
)
for (method in c("REML", "ML")) {
  fit <- lme(score ~ orientation + touchpoint + tenure, random = ~ 1 | employee,
    data = served, method = method, control = control)
  for (term in names(fixef(fit))) {
    put(paste(method, term, sep = "_"), fixef(fit)[term])
    put(paste(method, term, "error", sep = "_"), sqrt(diag(fit$varFix))[term])
  }
  put(paste0(method, "_within"), fit$sigma)
  put(paste0(method, "_between"), as.numeric(VarCorr(fit)["(Intercept)", "StdDev"]))
  put(paste0(method, "_log_likelihood"), as.numeric(logLik(fit)))
}
plain <- lm(even ~ orientation + tenure, served)
put("even_orientation", coef(plain)["orientation"])
put("even_orientation_error", sqrt(vcov(plain)["orientation", "orientation"]))

writeLines(c("name,value", out), "golden.csv")
