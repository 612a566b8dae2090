# Concordance and its error: survival 3.5-3. Run in this folder.
library(survival)
rossi <- read.csv("rossi.csv")
heart_data <- read.csv("heart.csv")
fits <- list(
  rossi = coxph(Surv(week, arrest) ~ fin + age + prio, rossi),
  heart = coxph(Surv(start, stop, event) ~ age + surgery + transplant, heart_data),
  heart_strata = coxph(Surv(start, stop, event) ~ age + surgery + strata(transplant), heart_data))
rows <- do.call(rbind, lapply(names(fits), function(name) {
  found <- concordance(fits[[name]])
  data.frame(key = paste0(name, c("_concordance", "_se")), value = format(c(found$concordance, sqrt(found$var)), digits = 15))
}))
write.csv(rows, "concordance_golden.csv", row.names = FALSE, quote = FALSE)
