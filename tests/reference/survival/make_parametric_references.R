# Golden numbers of test_parametric_reference.py, by survreg of R's survival package:
# Rscript make_parametric_references.R (after make_references.R)
library(survival)
options(digits = 15)
rows <- c()
put <- function(data, family, term, value) {
  rows <<- c(rows, sprintf("%s,%s,%s,%.14g", data, family, term, value))
}
tight <- survreg.control(maxiter = 200, rel.tolerance = 1e-14)
record <- function(data, formula, frame) {
  for (family in c("weibull", "lognormal", "loglogistic")) {
    fit <- survreg(formula, frame, dist = family, control = tight)
    errors <- sqrt(diag(fit$var))
    for (place in seq_along(coef(fit))) {
      put(data, family, names(coef(fit))[place], coef(fit)[place])
      put(data, family, paste0("se ", names(coef(fit))[place]), errors[place])
    }
    put(data, family, "scale", fit$scale)
    put(data, family, "se log scale", errors[length(errors)])
    put(data, family, "log-likelihood", fit$loglik[2])
    put(data, family, "log-likelihood alone", fit$loglik[1])
    put(data, family, "median of the first row", predict(fit, frame[1, ], type = "quantile", p = 0.5))
  }
}
rossi <- read.csv("rossi.csv")
record("rossi", Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio, rossi)
lung <- read.csv("lung.csv")
record("lung", Surv(time, as.logical(dead)) ~ age + sex, lung)
veteran <- transform(veteran, trt = trt - 1)
write.csv(veteran[c("trt", "celltype", "time", "status", "karno", "age")], "veteran.csv",
  row.names = FALSE, quote = FALSE)
record("veteran", Surv(time, status) ~ trt + karno + age, veteran)
telco <- read.csv("../../../data/telco/subscribers.csv")
telco <- telco[telco$tenure > 0, ]
telco$left <- telco$churn == "yes"
telco$one_year <- as.numeric(telco$contract == "One year")
telco$two_year <- as.numeric(telco$contract == "Two year")
record("telco", Surv(tenure, left) ~ monthly_charges + one_year + two_year, telco)
writeLines(c("data,family,term,value", rows), "parametric_golden.csv")
