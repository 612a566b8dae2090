# Golden numbers of test_survival_reference.py, by R's survival package: Rscript make_references.R
library(survival)
options(digits = 15)
out <- c()
put <- function(name, value) out <<- c(out, sprintf("%s,%.14g", name, value))
rossi <- read.csv("rossi.csv")
for (ties in c("efron", "breslow")) {
  fit <- coxph(Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio, rossi, ties = ties)
  put(sprintf("rossi_%s_fin", ties), coef(fit)["fin"])
  put(sprintf("rossi_%s_fin_se", ties), sqrt(vcov(fit)["fin", "fin"]))
  put(sprintf("rossi_%s_loglik", ties), fit$loglik[2])
}
fit <- coxph(Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio, rossi)
zph <- cox.zph(fit, transform = "km")$table
for (name in rownames(zph)) put(sprintf("rossi_zph_%s", name), zph[name, "chisq"])
lung$dead <- lung$status == 2
write.csv(lung[c("time", "dead", "age", "sex")], "lung.csv", row.names = FALSE)
fit <- coxph(Surv(time, dead) ~ age + sex, lung)
put("lung_age", coef(fit)["age"]); put("lung_age_se", sqrt(vcov(fit)["age", "age"]))
put("lung_sex", coef(fit)["sex"]); put("lung_sex_se", sqrt(vcov(fit)["sex", "sex"]))
put("lung_loglik", fit$loglik[2])
km <- survfit(Surv(time, dead) ~ 1, lung, conf.type = "log-log")
put("lung_median", summary(km)$table["median"])
s <- summary(km, times = 365)
put("lung_s365", s$surv); put("lung_s365_lower", s$lower); put("lung_s365_upper", s$upper)
m <- summary(km, rmean = 500)$table
put("lung_rmean500", m["rmean"]); put("lung_rmean500_se", m["se(rmean)"])
put("lung_logrank_sex", survdiff(Surv(time, dead) ~ sex, lung)$chisq)
for (sex in 1:2) put(sprintf("lung_median_sex%d", sex),
  summary(survfit(Surv(time, dead) ~ 1, lung[lung$sex == sex, ]))$table["median"])
heart$transplant <- as.integer(as.character(heart$transplant))
write.csv(heart[c("start", "stop", "event", "age", "surgery", "transplant")], "heart.csv", row.names = FALSE)
for (ties in c("efron", "breslow")) {
  fit <- coxph(Surv(start, stop, event) ~ age + surgery + transplant, heart, ties = ties)
  for (name in names(coef(fit))) {
    put(sprintf("heart_%s_%s", ties, name), coef(fit)[name])
    put(sprintf("heart_%s_%s_se", ties, name), sqrt(vcov(fit)[name, name]))
  }
}
zph <- cox.zph(coxph(Surv(start, stop, event) ~ age + surgery + transplant, heart), transform = "km")$table
for (name in rownames(zph)) put(sprintf("heart_zph_%s", name), zph[name, "chisq"])
km <- survfit(Surv(start, stop, event) ~ 1, heart, conf.type = "log-log")
s <- summary(km, times = 100)
put("heart_s100", s$surv); put("heart_s100_lower", s$lower); put("heart_s100_upper", s$upper)
fit <- coxph(Surv(start, stop, event) ~ age + transplant + strata(surgery), heart)
put("heart_strata_age", coef(fit)["age"]); put("heart_strata_transplant", coef(fit)["transplant"])
zph <- cox.zph(fit, transform = "km")$table
put("heart_strata_zph_GLOBAL", zph["GLOBAL", "chisq"])
telco <- read.csv("../../../data/telco/subscribers.csv")
telco <- telco[telco$tenure > 0, ]
telco$left <- telco$churn == "yes"
put("telco_logrank_contract", survdiff(Surv(tenure, left) ~ contract, telco)$chisq)
mm <- survfit(Surv(tenure, left) ~ 1, telco[telco$contract == "Month-to-month", ])
put("telco_monthly_s12", summary(mm, times = 12)$surv)
put("telco_monthly_s24", summary(mm, times = 24)$surv)
put("telco_monthly_s48", summary(mm, times = 48)$surv)
put("telco_monthly_median", summary(mm)$table["median"])
mgus2$months <- with(mgus2, ifelse(pstat == 0, futime, ptime))
mgus2$reason <- with(mgus2, ifelse(pstat == 0, 2 * death, 1))
write.csv(mgus2[c("months", "reason")], "mgus2.csv", row.names = FALSE)
cif <- survfit(Surv(months, factor(reason, 0:2, labels = c("censored", "pcm", "death"))) ~ 1, mgus2)
s <- summary(cif, times = c(60, 120, 240))
for (i in 1:3) for (reason in 1:2) {
  put(sprintf("mgus2_cif%d_%d", reason, s$time[i]), s$pstate[i, reason + 1])
  put(sprintf("mgus2_cif%d_%d_se", reason, s$time[i]), s$std.err[i, reason + 1])
}
writeLines(c("name,value", out), "golden.csv")
