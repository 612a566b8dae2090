# Golden numbers of test_prediction_reference.py, by R's survival package: Rscript make_prediction_references.R
library(survival)
options(digits = 15)
out <- c()
put <- function(name, value) out <<- c(out, sprintf("%s,%.14g", name, value))
# Cumulative hazard at a new customer's covariates and its error, from a curve, at given times.
at <- function(curve, times) summary(curve, times = times, extend = TRUE)
rossi <- read.csv("rossi.csv")
new <- data.frame(fin = c(0, 1), age = c(20, 35), race = 1, wexp = c(0, 1), mar = 0, paro = 1, prio = c(8, 1))
for (ties in c("efron", "breslow")) {
  fit <- coxph(Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio, rossi, ties = ties)
  for (who in 1:2) {
    s <- at(survfit(fit, newdata = new[who, ]), c(10, 13, 26, 39))
    for (i in 1:4) {
      put(sprintf("rossi_%s_%d_hazard_%d", ties, who, s$time[i]), -log(s$surv[i]))
      put(sprintf("rossi_%s_%d_error_%d", ties, who, s$time[i]), s$std.err[i] / s$surv[i])
    }
    put(sprintf("rossi_%s_%d_risk_26_13", ties, who), 1 - s$surv[4] / s$surv[3])
  }
}
heart <- read.csv("heart.csv")
new <- data.frame(age = c(-5, 4), surgery = c(0, 1), transplant = c(1, 0))
fit <- coxph(Surv(start, stop, event) ~ age + surgery + transplant, heart)
for (who in 1:2) {
  s <- at(survfit(fit, newdata = new[who, ]), c(30, 90, 180, 300))
  for (i in 1:4) {
    put(sprintf("heart_%d_hazard_%d", who, s$time[i]), -log(s$surv[i]))
    put(sprintf("heart_%d_error_%d", who, s$time[i]), s$std.err[i] / s$surv[i])
  }
  put(sprintf("heart_%d_risk_90_90", who), 1 - s$surv[3] / s$surv[2])
}
fit <- coxph(Surv(start, stop, event) ~ age + transplant + strata(surgery), heart)
curve <- survfit(fit, newdata = data.frame(age = 0, transplant = 1, surgery = c(0, 1)))
for (surgery in 0:1) {
  s <- at(curve[surgery + 1], c(90, 180))
  put(sprintf("heart_strata_%d_risk_90_90", surgery), 1 - s$surv[2] / s$surv[1])
}
# Discrimination at 40 weeks, all followed so long: the two-sample concordance of the predicted risk.
fit <- coxph(Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio, rossi)
left <- as.integer(rossi$week <= 40 & rossi$arrest == 1)
risk <- predict(fit, type = "lp")
put("rossi_auc_40", concordance(left ~ risk)$concordance)
put("rossi_auc_40_error", sqrt(concordance(left ~ risk)$var))
writeLines(c("name,value", out), "prediction_golden.csv")
