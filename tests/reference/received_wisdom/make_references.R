# Golden numbers for the tests of received wisdom. Run in this folder:
#   Rscript make_references.R
# Writes rates.csv, halves.csv, replies.csv (data) and golden.csv (numbers).
suppressMessages(library(sandwich))
set.seed(7, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")

n <- 400
rates <- data.frame(customer = rep(seq_len(n), each = 2), first = rep(c(1, 0), n))
rates$time <- round(rexp(2 * n, 1 / 8), 6)
rates$events <- rpois(2 * n, exp(-3 + 0.6 * rates$first) * rates$time * rep(rgamma(n, 2, 2), each = 2))

halves <- data.frame(customer = seq_len(150), early = round(rgamma(150, 3, 0.02), 2))
halves$late <- round(halves$early * rgamma(150, 4, 3) + rgamma(150, 1, 0.05), 2)

m <- 900
replies <- data.frame(
  customer = sample(220, m, TRUE), touchpoint = sample(3, m, TRUE), channel = sample(2, m, TRUE),
  month = sample(12, m, TRUE)
)
replies$minutes <- pmax(round(rexp(m, 1 / (40 + 60 * (replies$touchpoint == 2)))), 1)
replies$score <- pmin(pmax(round(3.6 - 1.1 * (replies$touchpoint == 2) - 0.1 * log2(replies$minutes) / 2 +
  rnorm(m)), 1), 5)

clustered <- function(fit, cluster) vcovCL(fit, cluster = cluster, type = "HC0", cadjust = TRUE)
golden <- data.frame(name = character(), value = numeric())
add <- function(name, value) golden[nrow(golden) + 1, ] <<- list(name, value)

# Ratio of rates: Poisson with time as exposure, clustered by customer.
fit <- glm(events ~ first, poisson, rates, offset = log(time))
add("rate_log_ratio", coef(fit)[["first"]])
add("rate_log_error", sqrt(clustered(fit, rates$customer)["first", "first"]))

# Ratio of paired means: the same model of both halves, clustered by customer.
stacked <- data.frame(
  customer = rep(halves$customer, 2), amount = c(halves$early, halves$late),
  late = rep(0:1, each = nrow(halves))
)
fit <- suppressWarnings(glm(amount ~ late, quasipoisson, stacked))
add("halves_log_ratio", coef(fit)[["late"]])
add("halves_log_error", sqrt(clustered(fit, stacked$customer)["late", "late"]))

# CSAT per halving of the wait beside touchpoint, channel and month.
replies$halvings <- -log2(replies$minutes)
fit <- lm(score ~ halvings + factor(touchpoint) + factor(channel) + factor(month), replies)
add("replies_slope", coef(fit)[["halvings"]])
add("replies_error", sqrt(clustered(fit, replies$customer)["halvings", "halvings"]))

replies$halvings <- NULL
for (name in c("rates", "halves", "replies")) {
  write.csv(get(name), paste0(name, ".csv"), row.names = FALSE)
}
golden$value <- sprintf("%.15g", golden$value)
write.csv(golden, "golden.csv", row.names = FALSE, quote = FALSE)
