# Group-time effects by plain means, no covariates, varying base; aggregates with influence functions.
d <- read.csv("mpdta.csv")
wide <- reshape(d, idvar = c("county", "first_treated"), timevar = "year", direction = "wide")
y <- as.matrix(wide[paste0("lemp.", 2003:2007)]); colnames(y) <- 2003:2007
g <- wide$first_treated; n <- nrow(wide); out <- NULL
for (controls in c("never", "not yet")) {
  att <- NULL; inf <- NULL
  for (start in c(2004, 2006, 2007)) for (year in start:2007) {
    change <- y[, as.character(year)] - y[, as.character(start - 1)]
    treated <- g == start
    other <- if (controls == "never") g == 0 else g == 0 | g > year
    effect <- mean(change[treated]) - mean(change[other])
    att <- rbind(att, data.frame(start, year, effect))
    inf <- cbind(inf, n / sum(treated) * treated * (change - mean(change[treated])) -
                      n / sum(other) * other * (change - mean(change[other])))
  }
  share <- sapply(att$start, function(s) mean(g == s))
  combine <- function(keep) {  # weights proportional to the size of the group, estimated
    w <- share[keep] / sum(share[keep]); value <- sum(w * att$effect[keep])
    extra <- sapply(att$start[keep], function(s) (g == s) - mean(g == s)) / sum(share[keep])
    extra <- extra - rowSums(extra) %o% w
    list(value = value, inf = as.matrix(inf[, keep]) %*% w + extra %*% att$effect[keep])
  }
  event <- lapply(0:3, function(e) combine(which(att$year - att$start == e)))
  dynamic <- rowMeans(sapply(event, function(x) x$inf))
  groups <- c(2004, 2006, 2007)
  gvalue <- sapply(groups, function(s) mean(att$effect[att$start == s]))
  ginf <- sapply(groups, function(s) rowMeans(as.matrix(inf[, att$start == s])))
  p <- sapply(groups, function(s) mean(g == s)); w <- p / sum(p)
  extra <- sapply(groups, function(s) (g == s) - mean(g == s)) / sum(p)
  extra <- extra - rowSums(extra) %o% w
  group <- ginf %*% w + extra %*% gvalue
  se <- function(x) sqrt(mean(x^2) / n)
  out <- rbind(out,
    data.frame(controls, quantity = paste(att$start, att$year), value = att$effect, se = apply(inf, 2, se)),
    data.frame(controls, quantity = "dynamic", value = mean(sapply(event, function(x) x$value)), se = se(dynamic)),
    data.frame(controls, quantity = "group", value = sum(w * gvalue), se = se(group)))
}
out[3:4] <- signif(out[3:4], 10)
write.csv(out, "mpdta_expected.csv", row.names = FALSE)
