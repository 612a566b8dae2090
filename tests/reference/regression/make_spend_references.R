# Golden numbers of test_spend_models_reference.py, by R's glm, lm, sandwich and lmtest:
# Rscript make_spend_references.R
suppressMessages({library(sandwich); library(lmtest)})
set.seed(23, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")

# An unbalanced panel with zeros: customers 5, 17 and 44 never spend, 30 is seen once.
panel <- expand.grid(quarter = 1:8, customer = 1:60)
level <- rnorm(60)
panel$segment <- c("family", "single", "office")[1 + panel$customer %% 3]
panel$tenure <- 2 * panel$customer %% 17 + 3 * panel$quarter
panel$score <- pmin(5, pmax(1, round(3 + level[panel$customer] / 2 + rnorm(nrow(panel)))))
mean <- exp(3 + level[panel$customer] / 2 + 0.15 * panel$score + 0.03 * panel$quarter)
buys <- runif(nrow(panel)) < plogis(-0.5 + 0.4 * panel$score - 0.01 * panel$tenure)
panel$spend <- round(buys * mean * rgamma(nrow(panel), 2, 2), 2)
panel$spend[panel$customer %in% c(5, 17, 44)] <- 0
seen <- runif(nrow(panel)) < 0.85
seen[panel$customer == 30] <- panel$quarter[panel$customer == 30] == 4
panel$spend[panel$customer == 30] <- 12.5
write.csv(panel[seen, c("customer", "quarter", "segment", "tenure", "score", "spend")],
          "spend_panel.csv", row.names = FALSE)

# Candidates of a survey: some customers twice, two of three invited, four of ten of those answer.
n <- 400
people <- data.frame(customer = c(1:320, sample(320, n - 320)))
people$orders <- rpois(n, 3)
people$office <- as.integer(people$customer %% 4 == 0)
people$invited <- as.integer(runif(n) < plogis(0.2 + 0.3 * people$office + 0.15 * people$orders))
people$answered <- people$invited *
  as.integer(runif(n) < plogis(-1.2 + 0.25 * people$orders - 0.5 * people$office))
people$score <- pmin(10, pmax(0, round(6 + 0.5 * people$orders + 2 * rnorm(n))))
people$score[people$answered == 0] <- NA
write.csv(people, "candidates.csv", row.names = FALSE)

out <- c()
put <- function(name, value) out <<- c(out, sprintf("%s,%.17g", name, unname(value)))
clustered <- function(fit, cluster) vcovCL(fit, cluster = cluster, type = "HC0", cadjust = TRUE)
exact <- glm.control(epsilon = 1e-15, maxit = 200)
panel <- read.csv("spend_panel.csv")
put_fit <- function(label, fit, cluster, terms) for (term in terms) {
  put(sprintf("%s_%s", label, term), coef(fit)[term])
  put(sprintf("%s_%s_cluster", label, term), sqrt(clustered(fit, cluster)[term, term]))
}
quiet <- function(expression) suppressWarnings(expression)  # spend is not a whole number

plain <- quiet(glm(spend ~ score + tenure + segment, poisson, panel, control = exact))
put_fit("poisson", plain, panel$customer, c("(Intercept)", "score", "tenure", "segmentsingle"))
put("poisson_score_rows", sqrt(vcovCL(plain, type = "HC0", cadjust = TRUE)["score", "score"]))

spent <- panel[ave(panel$spend, panel$customer, FUN = sum) > 0, ]
own <- quiet(glm(spend ~ score + factor(quarter) + factor(customer), poisson, spent,
                 control = exact))
put_fit("own", own, spent$customer, c("score", "factor(quarter)2", "factor(quarter)8"))
put("own_rows", nrow(spent))
put("own_units", length(unique(spent$customer)))

panel$bought <- as.integer(panel$spend > 0)
buying <- glm(bought ~ score + tenure + segment, binomial, panel, control = exact)
put_fit("buying", buying, panel$customer, c("(Intercept)", "score", "tenure", "segmentoffice"))
# The mean slope p(1 - p)b: delta method on the coefficients, and the rows as a sample.
p <- fitted(buying)
x <- model.matrix(buying)
slopes <- p * (1 - p) * coef(buying)["score"]
gradient <- colMeans(p * (1 - p) * (1 - 2 * p) * coef(buying)["score"] * x)
gradient["score"] <- gradient["score"] + mean(p * (1 - p))
moves <- estfun(buying) %*% (bread(buying) / nrow(x)) %*% gradient +
  (slopes - mean(slopes)) / nrow(x)
moves <- rowsum(moves, panel$customer)
put("buying_slope", mean(slopes))
put("buying_slope_cluster", sqrt(sum(moves^2) * length(moves) / (length(moves) - 1)))

# RESET, classical by lmtest and clustered by hand; condition number.
line <- lm(spend ~ score + tenure + segment, panel)
classical <- resettest(line, power = 2:3, type = "fitted")
put("reset", classical$statistic)
put("reset_p", classical$p.value)
panel$fitted <- fitted(line) / mean(fitted(line))
wide <- lm(spend ~ score + tenure + segment + I(fitted^2) + I(fitted^3), panel)
terms <- c("I(fitted^2)", "I(fitted^3)")
wald <- t(coef(wide)[terms]) %*% solve(clustered(wide, panel$customer)[terms, terms]) %*%
  coef(wide)[terms]
put("reset_cluster", wald / 2)
put("reset_cluster_p", pf(wald / 2, 2, length(unique(panel$customer)) - 1, lower.tail = FALSE))
columns <- model.matrix(line)
put("condition", kappa(columns %*% diag(1 / sqrt(colSums(columns^2))), exact = TRUE))

# Partial R2 from sums of squares; the formulas of Cinelli & Hazlett (2020).
left <- function(formula) sum(resid(lm(formula, panel))^2)
t2 <- summary(line)$coefficients["score", "t value"]^2
put("partial_r2", t2 / (t2 + line$df.residual))
put("segment_with_score", 1 - left(score ~ tenure + segment) / left(score ~ tenure))
put("segment_with_spend",
    1 - left(spend ~ score + tenure + segment) / left(spend ~ score + tenure))
f <- sqrt(t2 / line$df.residual)
put("robustness", (sqrt(f^4 + 4 * f^2) - f^2) / 2)

# Weights of two stages, and the weighted mean as one of stacked estimating equations.
people <- read.csv("candidates.csv")
first <- glm(invited ~ orders + office, binomial, people, control = exact)
asked <- which(people$invited == 1)
second <- glm(answered ~ orders + office, binomial, people[asked, ], control = exact)
chance <- fitted(first)
chance2 <- rep(NA, n)
chance2[asked] <- fitted(second)
has <- which(people$answered == 1)
w <- 1 / (chance[has] * chance2[has])
put("effective_n", sum(w)^2 / sum(w^2))
y <- people$score[has]
theta <- sum(w * y) / sum(w)
x <- model.matrix(~ orders + office, people)
moves <- numeric(n)
moves[has] <- w * (y - theta) / sum(w)
d1 <- colSums(-w * (1 - chance[has]) * (y - theta) * x[has, ]) / sum(w)
d2 <- colSums(-w * (1 - chance2[has]) * (y - theta) * x[has, ]) / sum(w)
moves <- moves + estfun(first) %*% (bread(first) / n) %*% d1
moves[asked] <- moves[asked] + estfun(second) %*% (bread(second) / length(asked)) %*% d2
moves <- rowsum(moves, people$customer)
groups <- length(unique(people$customer[has]))
put("weighted_mean", theta)
put("weighted_mean_cluster", sqrt(sum(moves^2) * groups / (groups - 1)))

weighted <- lm(score ~ orders, people[has, ], weights = w)
put_fit("weighted", weighted, people$customer[has], "orders")
writeLines(c("name,value", out), "spend_golden.csv")
