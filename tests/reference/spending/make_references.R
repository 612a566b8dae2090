# Golden numbers of test_spend_reference.py, by R's lm and sandwich: Rscript make_references.R
suppressMessages(library(sandwich))
set.seed(23, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")

panel <- expand.grid(quarter = 1:7, customer = 1:90)
mood <- rnorm(90)
panel$segment <- c("family", "single", "office")[1 + panel$customer %% 3]
panel$channel <- c("shop", "web")[1 + panel$customer %/% 3 %% 2]
panel$tenure <- 2 * panel$customer %% 17 + 3 * panel$quarter
score <- round(3.2 + 0.7 * mood[panel$customer] + rnorm(nrow(panel)))
panel$score <- pmin(5, pmax(1, score))
level <- 90 + 22 * mood[panel$customer] + 12 * (panel$segment == "office")
noise <- rnorm(nrow(panel)) * (6 + 3 * panel$score)
panel$spend <- round(level + 6 * panel$score + 3 * panel$quarter + noise, 2)
panel$weight <- round(exp(rnorm(nrow(panel)) / 2), 3)
panel$previous <- c(NA, head(panel$spend, -1))
# An answer is new, or that of the quarter before carried over: its age tells.
panel$age <- ifelse(runif(nrow(panel)) < 0.5, 20, 20 + 91)
panel <- panel[panel$quarter > 1 & runif(nrow(panel)) < 0.85, ]
write.csv(panel, "panel.csv", row.names = FALSE)

panel <- read.csv("panel.csv")
out <- c()
put <- function(name, value) out <<- c(out, sprintf("%s,%.17g", name, unname(value)))
clustered <- function(fit, cluster) vcovCL(fit, cluster = cluster, type = "HC0", cadjust = TRUE)
slope <- function(name, fit, cluster, term = "score") {
  put(name, coef(fit)[term])
  put(paste0(name, "_error"), sqrt(clustered(fit, cluster)[term, term]))
}

recorded <- lm(spend ~ score + segment + channel + tenure + factor(quarter), panel)
slope("customer", recorded, panel$customer)
history <- update(recorded, . ~ . + previous)
slope("history", history, panel$customer)
own <- lm(spend ~ score + factor(customer) + factor(quarter), panel)
slope("fixed_effects", own, panel$customer)
weighted <- lm(spend ~ score + factor(customer) + factor(quarter), panel, weights = weight)
slope("weighted", weighted, panel$customer)

# The account of what moved the slope: each block's fitted part on the score (Gelbach 2016).
full <- predict(history, type = "terms")
for (term in c("segment", "channel", "tenure", "factor(quarter)", "previous"))
  put(paste0("account_", term), coef(lm(full[, term] ~ panel$score))[2])

# All steps worth the same: Wald test with the clustered covariance.
steps <- lm(spend ~ factor(score) + factor(customer) + factor(quarter), panel)
terms <- paste0("factor(score)", 2:5)
unequal <- rbind(c(-2, 1, 0, 0), c(1, -2, 1, 0), c(0, 1, -2, 1))
value <- unequal %*% coef(steps)[terms]
v <- unequal %*% clustered(steps, panel$customer)[terms, terms] %*% t(unequal)
put("straight_p", pchisq(t(value) %*% solve(v) %*% value, 3, lower.tail = FALSE))

# The next score beside this one's.
after <- merge(panel, transform(panel[, c("customer", "quarter", "score")], later = score,
               quarter = quarter - 1, score = NULL), by = c("customer", "quarter"))
lead <- lm(spend ~ score + later + factor(customer) + factor(quarter), after)
slope("feedback", lead, after$customer, "later")

# Changes of spend on gains and losses, periods and having answered held fixed.
change <- merge(panel, transform(panel[, c("customer", "quarter", "score", "spend", "age")],
                later = score, next_spend = spend, next_age = age, quarter = quarter - 1,
                score = NULL, spend = NULL, age = NULL), by = c("customer", "quarter"))
change$moved <- change$later - change$score
change$gain <- pmax(change$moved, 0)
change$loss <- pmax(-change$moved, 0)
change$answered <- change$next_age - change$age < 0.95 * 3 * 30.4375
differences <- lm(next_spend - spend ~ gain + loss + answered + factor(quarter), change)
slope("gain", differences, change$customer, "gain")
slope("loss", differences, change$customer, "loss")
v <- clustered(differences, change$customer)[c("gain", "loss"), c("gain", "loss")]
put("asymmetry_error", sqrt(sum(v)))

bought <- as.numeric(panel$spend > median(panel$spend))
slope("share", lm(bought ~ panel$score + factor(panel$customer) + factor(panel$quarter)),
      panel$customer, "panel$score")
means <- aggregate(cbind(spend, score) ~ customer, panel, mean)
between <- lm(spend ~ score, means)
put("between", coef(between)["score"])
put("between_error", sqrt(vcovHC(between, type = "HC1")["score", "score"]))
writeLines(c("name,value", out), "golden.csv")
