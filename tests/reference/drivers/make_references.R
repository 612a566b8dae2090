# Reference numbers for key drivers, penalty and reward, segments and log-odds. Run in this folder.
library(sandwich)
set.seed(20)
customers <- 300
d <- data.frame(customer = rep(seq_len(customers), each = 2))
mood <- rep(rnorm(customers), each = 2)
step <- function(pull, shift) pmin(5, pmax(1, round(3 + shift + pull * mood + rnorm(nrow(d)))))
d$support <- step(.5, .3); d$billing <- step(.3, 0); d$returns <- step(.4, -.4)
d$delivery <- step(.2, .2); d$shop <- step(.6, .5)
d$tenure <- rexp(nrow(d), 1 / 24); d$office <- rbinom(nrow(d), 1, .3)
d$segment <- sample(c("private", "family", "business"), nrow(d), TRUE, c(.6, .3, .1))
d$overall <- with(d, round(3 + .5 * support + .2 * billing + .7 * returns - .8 * (returns <= 2) +
  .1 * delivery + .01 * tenure - .4 * office + .5 * mood + rnorm(nrow(d), 0, 1.2), 2))
d$tenure <- round(d$tenure, 1)
write.csv(d, "answers.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("answers.csv")
names_ <- c("support", "billing", "returns", "delivery", "shop")

rows <- list()
note <- function(name, value) rows[[length(rows) + 1]] <<- data.frame(name = name, value = value)

# Lindeman, Merenda & Gold: gain in R squared averaged over all orders, one lm after another.
orders <- function(v) if (length(v) <= 1) list(v) else
  do.call(c, lapply(seq_along(v), function(i) lapply(orders(v[-i]), function(o) c(v[i], o))))
lmg <- function(data) {
  known <- new.env()
  r2 <- function(s) {
    if (!length(s)) return(0)
    key <- paste(sort(s), collapse = "+")
    if (is.null(known[[key]])) known[[key]] <- summary(lm(reformulate(s, "overall"), data))$r.squared
    known[[key]]
  }
  all <- orders(names_)
  gain <- setNames(numeric(length(names_)), names_)
  for (o in all) for (k in seq_along(o)) gain[o[k]] <- gain[o[k]] + r2(o[1:k]) - r2(o[seq_len(k - 1)])
  gain / length(all)
}
plain <- lmg(d)
for (n in names_) note(paste0("lmg.", n), plain[[n]])
held <- d
for (n in c(names_, "overall")) held[[n]] <- resid(lm(reformulate(c("tenure", "office"), n), d))
for (n in names_) note(paste0("lmg_held.", n), lmg(held)[[n]])

# Errors of the shares: customers left out one at a time (jackknife).
moments <- function(data) { m <- as.matrix(data[c(names_, "overall")]); crossprod(scale(m, scale = FALSE)) }
shares <- function(data) {
  m <- moments(data)
  r2 <- function(s) if (!length(s)) 0 else
    sum(m["overall", s] * solve(m[s, s, drop = FALSE], m[s, "overall"])) / m["overall", "overall"]
  p <- length(names_)
  gain <- sapply(names_, function(n) {
    others <- setdiff(names_, n)
    sum(sapply(0:(2^(p - 1) - 1), function(code) {
      s <- others[bitwAnd(code, 2^(0:(p - 2))) > 0]
      (r2(c(s, n)) - r2(s)) / (p * choose(p - 1, length(s)))
    }))
  })
  c(gain / sum(gain), all = sum(gain))
}
without <- t(sapply(seq_len(customers), function(g) shares(d[d$customer != g, ])))
errors <- sqrt((customers - 1) / customers * colSums(scale(without, scale = FALSE)^2))
for (n in names(errors)) note(paste0("jackknife.", n), errors[[n]])

clustered <- function(m) vcovCL(m, d$customer, type = "HC0", cadjust = TRUE)
m <- lm(reformulate(names_, "overall"), d)
for (n in names_) {
  note(paste0("coefficient.", n), coef(m)[[n]])
  note(paste0("error.", n), sqrt(clustered(m)[n, n]))
}
for (n in names_) { d[[paste0(n, "_low")]] <- d[[n]] <= 2; d[[paste0(n, "_high")]] <- d[[n]] >= 4 }
m <- lm(reformulate(c(outer(names_, c("_low", "_high"), paste0), "tenure", "office"), "overall"), d)
v <- clustered(m)
for (n in names_) {
  low <- paste0(n, "_lowTRUE"); high <- paste0(n, "_highTRUE")
  note(paste0("penalty.", n), -coef(m)[[low]]); note(paste0("penalty_error.", n), sqrt(v[low, low]))
  note(paste0("reward.", n), coef(m)[[high]]); note(paste0("reward_error.", n), sqrt(v[high, high]))
  note(paste0("asymmetry_error.", n), sqrt(v[low, low] + v[high, high] + 2 * v[low, high]))
}

# A segment against the rest: Welch, on one answer of each customer.
first <- d[!duplicated(d$customer), ]
welch <- t.test(overall ~ segment != "private", first)
note("welch.difference", unname(welch$estimate[1] - welch$estimate[2]))
note("welch.p", welch$p.value); note("welch.lower", welch$conf.int[1])

# Log-odds: 40 of 150 against 12 of 260, prior 7 of 41.
odds <- function(y, n) log((y + 7) / (n + 41 - y - 7))
note("log_odds.value", odds(40, 150) - odds(12, 260))
note("log_odds.error", sqrt(1 / 47 + 1 / (191 - 47) + 1 / 19 + 1 / (301 - 19)))
write.csv(format(do.call(rbind, rows), digits = 15), "expected.csv", row.names = FALSE, quote = FALSE)
