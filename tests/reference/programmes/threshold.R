# The jump at a threshold: local lines and parabolas by lm, triangular weights, HC3 by sandwich.
library(sandwich)
d <- read.csv("threshold.csv")
h <- 30
fit <- function(side, degree) {
  part <- d[(d$number >= 0) == side & abs(d$number) < h, ]
  part$w <- 1 - abs(part$number) / h
  f <- if (degree == 1) outcome ~ number else outcome ~ number + I(number^2)
  m <- lm(f, part, weights = w)
  c(coef(m)[[1]], vcovHC(m, type = "HC3")[1, 1], nrow(part))
}
rows <- lapply(1:2, function(degree) {
  above <- fit(TRUE, degree); below <- fit(FALSE, degree)
  data.frame(degree = degree, jump = above[1] - below[1], se = sqrt(above[2] + below[2]),
             below = below[3], above = above[3])
})
write.csv(format(do.call(rbind, rows), digits = 15), "threshold_expected.csv", row.names = FALSE, quote = FALSE)
