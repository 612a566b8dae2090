# Golden numbers of test_regression_reference.py, by R's lm and sandwich: Rscript make_references.R
suppressMessages(library(sandwich))
set.seed(11, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")

panel <- expand.grid(quarter = 1:6, customer = 1:40)
level <- rnorm(40, 100, 25)
panel$segment <- c("family", "single", "office")[1 + panel$customer %% 3]
panel$tenure <- 2 * panel$customer %% 17 + 3 * panel$quarter
wish <- 3 + (level[panel$customer] - 100) / 25 + rnorm(nrow(panel))
panel$score <- pmin(5, pmax(1, round(wish)))
noise <- rnorm(nrow(panel)) * (5 + 4 * panel$score)
panel$spend <- round(level[panel$customer] + 6 * panel$score + 3 * panel$quarter + noise, 2)
seen <- runif(nrow(panel)) < 0.8
seen[panel$customer %in% c(7, 23)] <- FALSE
seen[panel$customer == 7 & panel$quarter == 2] <- TRUE
seen[panel$customer == 23 & panel$quarter == 5] <- TRUE
write.csv(panel[seen, c("customer", "quarter", "segment", "tenure", "score", "spend")],
          "panel.csv", row.names = FALSE)

panel <- read.csv("panel.csv")
out <- c()
put <- function(name, value) out <<- c(out, sprintf("%s,%.17g", name, unname(value)))
clustered <- function(fit, cluster) vcovCL(fit, cluster = cluster, type = "HC0", cadjust = TRUE)

pooled <- lm(spend ~ score + tenure + segment, panel)
errors <- list(classical = vcov(pooled), HC0 = vcovHC(pooled, type = "HC0"),
               HC1 = vcovHC(pooled, type = "HC1"), HC3 = vcovHC(pooled, type = "HC3"),
               cluster = clustered(pooled, panel$customer))
for (term in c("score", "tenure")) {
  put(sprintf("pooled_%s", term), coef(pooled)[term])
  for (type in names(errors))
    put(sprintf("pooled_%s_%s", term, type), sqrt(errors[[type]][term, term]))
}

raw <- lm(spend ~ score, panel)
put("raw", coef(raw)["score"])
put("raw_cluster", sqrt(clustered(raw, panel$customer)["score", "score"]))
own <- lm(spend ~ score + factor(customer) + factor(quarter), panel)
put("own", coef(own)["score"])
put("own_cluster", sqrt(clustered(own, panel$customer)["score", "score"]))

# Levels by score, moved so that their mean over the rows is the overall mean.
steps <- lm(spend ~ factor(score) + factor(customer) + factor(quarter), panel)
terms <- paste0("factor(score)", 2:5)
share <- as.vector(table(panel$score)) / nrow(panel)
contrasts <- diag(5)[, -1] - matrix(share[-1], 5, 4, byrow = TRUE)
levels <- mean(panel$spend) + contrasts %*% coef(steps)[terms]
covariance <- contrasts %*% clustered(steps, panel$customer)[terms, terms] %*% t(contrasts)
for (i in 1:5) {
  put(sprintf("level_%d", i), levels[i])
  put(sprintf("level_%d_cluster", i), sqrt(covariance[i, i]))
}

# Both slopes in one regression of stacked rows, so that their covariance comes with it.
dummies <- model.matrix(own)
first <- cbind(1, panel$score)
stacked <- rbind(cbind(first, 0 * dummies), cbind(0 * first, dummies))
colnames(stacked) <- paste0("x", seq_len(ncol(stacked)))
both <- lm(c(panel$spend, panel$spend) ~ 0 + stacked)
v <- clustered(both, rep(panel$customer, 2))[c(2, 4), c(2, 4)]
b <- coef(both)[c(2, 4)]
ratio <- b[2] / b[1]
gradient <- c(-ratio, 1) / b[1]
put("share", ratio)
put("share_cluster", sqrt(t(gradient) %*% v %*% gradient))
put("difference_cluster", sqrt(v[1, 1] + v[2, 2] - 2 * v[1, 2]))
writeLines(c("name,value", out), "golden.csv")
