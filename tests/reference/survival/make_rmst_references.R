# Golden numbers of test_rmst_reference.py, by R's survival package: Rscript make_rmst_references.R
library(survival)
options(digits = 15)
out <- c()
put <- function(name, value) out <<- c(out, sprintf("%s,%.14g", name, value))
means <- function(label, fit, horizon) {
  table <- summary(fit, rmean = horizon)$table
  if (is.null(dim(table))) table <- t(table)
  for (row in seq_len(nrow(table))) {
    put(sprintf("%s_%d_rmean", label, row), table[row, "rmean"])
    put(sprintf("%s_%d_se", label, row), table[row, "se(rmean)"])
  }
}
lung <- read.csv("lung.csv")
means("lung_sex", survfit(Surv(time, dead) ~ sex, lung), 500)
rossi <- read.csv("rossi.csv")
means("rossi_fin", survfit(Surv(week, arrest) ~ fin, rossi), 52)
means("rossi_fin30", survfit(Surv(week, arrest) ~ fin, rossi), 30)
# Delayed entry, several rows per person.
heart <- read.csv("heart.csv")
means("heart_transplant", survfit(Surv(start, stop, event) ~ transplant, heart), 300)
# Influence of each row on the curve and on its restricted mean: infinitesimal jackknife.
plain <- survfit(Surv(time, dead) ~ 1, lung, influence = 3, robust = TRUE)
at <- findInterval(365, plain$time)
put("lung_robust_s365_se", sqrt(sum(plain$influence.surv[, at]^2)))
for (row in c(1, 5, 50, 200)) put(sprintf("lung_influence_s365_row%d", row), plain$influence.surv[row, at])
steps <- c(0, plain$time[plain$time < 500], 500)
inside <- sum(plain$time < 500)
area <- as.vector(cbind(0, plain$influence.surv[, seq_len(inside)]) %*% diff(steps))
put("lung_robust_rmean500_se", sqrt(sum(area^2)))
for (row in c(1, 5, 50, 200)) put(sprintf("lung_influence_rmean500_row%d", row), area[row])
writeLines(c("name,value", out), "rmst_golden.csv")
