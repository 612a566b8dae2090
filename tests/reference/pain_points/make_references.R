# Golden numbers for gaps between touchpoints, channels, medians and shares.
# Rscript make_references.R, in this folder; needs the package sandwich.
suppressMessages(library(sandwich))
set.seed(11, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
customers <- 90
n <- 500
answers <- data.frame(
  customer = sample(customers, n, replace = TRUE),
  place = sample(c("desk", "line", "shop"), n, replace = TRUE, prob = c(.3, .5, .2)),
  quarter = sample(0:3, n, replace = TRUE),
  channel = sample(c("chat", "mail", "phone"), n, replace = TRUE)
)
trait <- rnorm(customers, 0, .6)
answers$score <- pmin(pmax(round(
  3.4 + trait[answers$customer] - .8 * (answers$place == "desk") + .1 * answers$quarter +
    rnorm(n, 0, .8)), 1), 5)
write.csv(answers, "answers.csv", row.names = FALSE)

golden <- data.frame(name = character(), value = numeric())
add <- function(name, value) golden[nrow(golden) + 1, ] <<- list(name, value)

# Gaps within customers and quarters: level less the weighted mean of the others' levels.
within <- lm(score ~ factor(place, c("line", "desk", "shop")) + factor(customer) + factor(quarter), answers)
covariance <- vcovCL(within, cluster = answers$customer, type = "HC0", cadjust = TRUE)
counts <- table(answers$place)
levels <- c("line", "desk", "shop")
b <- c(0, coef(within)[2:3])
v <- matrix(0, 3, 3)
v[2:3, 2:3] <- covariance[2:3, 2:3]
for (place in levels) {
  others <- setdiff(levels, place)
  weights <- -as.numeric(counts[levels]) / sum(counts[others])
  weights[levels == place] <- 1
  add(paste0("gap ", place), sum(weights * b))
  add(paste0("gap error ", place), sqrt(c(t(weights) %*% v %*% weights)))
}
# As it stands.
for (place in levels) {
  answers$here <- as.numeric(answers$place == place)
  plain <- lm(score ~ here, answers)
  add(paste0("plain ", place), coef(plain)[2])
  add(paste0("plain error ", place),
      sqrt(vcovCL(plain, cluster = answers$customer, type = "HC0", cadjust = TRUE)[2, 2]))
}

# Channels, touchpoint and quarter held equal; Wald's test as F.
held <- lm(score ~ channel + place + factor(quarter), answers)
covariance <- vcovCL(held, cluster = answers$customer, type = "HC0", cadjust = TRUE)
chosen <- 2:3
statistic <- c(t(coef(held)[chosen]) %*% solve(covariance[chosen, chosen]) %*% coef(held)[chosen]) / 2
groups <- length(unique(answers$customer))
add("channel p", pf(statistic, 2, groups - 1, lower.tail = FALSE))
add("channel mail less chat", coef(held)[2])

# Median with the ranks of the sign test.
hours <- sort(round(rexp(37, 1 / 3), 3))
write.csv(data.frame(hours = hours), "hours.csv", row.names = FALSE)
rank <- qbinom(.025, 37, .5)
add("median", median(hours))
add("median lower", hours[rank])
add("median upper", hours[37 - rank + 1])

# Difference of shares, Newcombe's method 10, from Wilson limits (prop.test without correction).
now <- prop.test(56, 70, correct = FALSE)$conf.int
then <- prop.test(48, 80, correct = FALSE)$conf.int
d <- 56 / 70 - 48 / 80
add("shares lower", d - sqrt((56 / 70 - now[1])^2 + (then[2] - 48 / 80)^2))
add("shares upper", d + sqrt((now[2] - 56 / 70)^2 + (48 / 80 - then[1])^2))
add("shares p", prop.test(c(56, 48), c(70, 80), correct = FALSE)$p.value)

golden$value <- sprintf("%.17g", golden$value)
write.csv(golden, "golden.csv", row.names = FALSE, quote = FALSE)
