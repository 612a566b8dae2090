# Difference in means and ANCOVA for the National Supported Work experiment.
suppressMessages(library(sandwich))
nsw <- read.csv("nsw.csv")
row <- function(name, fit) data.frame(
  model = name, estimate = coef(fit)[["treat"]],
  classical = sqrt(vcov(fit)["treat", "treat"]),
  hc1 = sqrt(vcovHC(fit, type = "HC1")["treat", "treat"]))
rows <- rbind(
  row("difference", lm(re78 ~ treat, nsw)),
  row("adjusted", lm(re78 ~ treat + age + I(age^2) + educ + black + hisp + nodegree + re74 + re75, nsw)))
rows[-1] <- signif(rows[-1], 12)
write.csv(rows, "nsw_expected.csv", row.names = FALSE)
