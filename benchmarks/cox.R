# Cox's model of (start, stop] intervals, or of whole lifetimes where all start at zero.
load <- function(folder) {
  data <- read.csv(file.path(folder, "intervals.csv"))
  names <- setdiff(names(data), c("customer", "start_months", "stop_months", "ended"))
  outcome <- if (all(data$start_months == 0)) {
    "Surv(stop_months, ended)"
  } else {
    "Surv(start_months, stop_months, ended)"
  }
  list(data = data, formula = as.formula(paste(outcome, "~", paste(names, collapse = " + "))))
}
run <- function(data) {
  fit <- coxph(data$formula, data$data)
  c(coef(fit), sqrt(diag(vcov(fit))))
}
