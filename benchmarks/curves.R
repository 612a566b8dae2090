# Kaplan-Meier overall and by contract at 12, 24 and 36 months, and the log-rank statistic.
load <- function(folder) {
  data <- read.csv(file.path(folder, "lifetimes.csv"), stringsAsFactors = TRUE)
  data$ended <- data$ended == "true"
  data
}
run <- function(data) {
  months <- c(12, 24, 36)
  overall <- survfit(Surv(exit_months, ended) ~ 1, data)
  grouped <- survfit(Surv(exit_months, ended) ~ contract, data)
  c(
    summary(overall, times = months)$surv,
    summary(grouped, times = months)$surv,
    survdiff(Surv(exit_months, ended) ~ contract, data)$chisq
  )
}
