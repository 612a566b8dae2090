# The process in which one contender in R is measured; started by harness.measure.
# Arguments: script, packages, repeats, patience in seconds, folder of data, file for the answer.
arguments <- commandArgs(trailingOnly = TRUE)
for (package in strsplit(arguments[2], ",")[[1]]) {
  suppressPackageStartupMessages(library(package, character.only = TRUE))
}
source(arguments[1])
data <- load(arguments[5])

# Megabytes held now, the peak forgotten; and at the peak since. As worker.py where there is /proc,
# elsewhere what R knows of itself.
process <- "/proc/self/status"
status <- function(field) {
  line <- grep(field, readLines(process), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) * 1024 / 1e6
}
forget_peak <- function() {
  held <- sum(gc(reset = TRUE)[, 2]) * 2^20 / 1e6
  if (!file.exists(process)) return(held)
  cat("5", file = "/proc/self/clear_refs")
  status("VmRSS")
}
peak <- function() if (file.exists(process)) status("VmHWM") else sum(gc()[, 6]) * 2^20 / 1e6

seconds <- c()
while (length(seconds) < as.integer(arguments[3]) && sum(seconds) < as.numeric(arguments[4])) {
  before <- forget_peak()
  seconds <- c(seconds, system.time(result <- run(data), gcFirst = FALSE)[["elapsed"]])
  if (length(seconds) == 1) megabytes <- peak() - before
}
listed <- function(values) paste0("[", paste(sprintf("%.17g", values), collapse = ", "), "]")
writeLines(
  sprintf('{"seconds": %s, "megabytes": %.3f, "result": %s}', listed(seconds), megabytes, listed(result)),
  arguments[6]
)
