# Errors clustered by id, and score residuals: survival 3.5-3. Run in this folder.
library(survival)
heart_data <- read.csv("heart.csv")
heart_data$cluster <- seq_len(nrow(heart_data)) %/% 2
rows <- list()
for (ties in c("efron", "breslow")) {
  fit <- coxph(Surv(start, stop, event) ~ age + surgery + transplant, heart_data, ties = ties, cluster = cluster)
  score <- residuals(fit, "score")
  rows[[ties]] <- data.frame(
    key = c(paste0("heart_", ties, c("_age", "_surgery", "_transplant"), "_robust_se"),
            paste0("heart_", ties, "_score_", rep(1:nrow(score), 3), "_", rep(1:3, each = nrow(score)))),
    value = c(sqrt(diag(vcov(fit))), as.vector(score)))
}
strat <- coxph(Surv(start, stop, event) ~ age + surgery + strata(transplant), heart_data, cluster = cluster)
rows$strata <- data.frame(key = paste0("heart_strata_", c("age", "surgery"), "_robust_se"), value = sqrt(diag(vcov(strat))))
rossi <- read.csv("rossi.csv")
fit <- coxph(Surv(week, arrest) ~ fin + age + prio, rossi, cluster = seq_len(nrow(rossi)) %/% 3)
rows$rossi <- data.frame(key = paste0("rossi_", c("fin", "age", "prio"), "_robust_se"), value = sqrt(diag(vcov(fit))))
result <- do.call(rbind, rows)
result$value <- format(result$value, digits = 15)
write.csv(result, quote = FALSE, "robust_golden.csv", row.names = FALSE)
