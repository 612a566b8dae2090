# Cox's model of (start, stop] intervals and the test of its proportionality.
source("benchmarks/cox.R")
run <- function(data) {
  fit <- coxph(data$formula, data$data, model = TRUE)
  unname(cox.zph(fit, transform = "km")$table[, "chisq"])
}
