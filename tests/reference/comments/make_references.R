# Stems of words by the Snowball project's own stemmers. Run in this folder with a UTF-8 locale.
library(SnowballC)
d <- read.csv("words.csv", encoding = "UTF-8", na.strings = "")
d$stem <- ""
for (l in unique(d$language)) {
  mine <- d$language == l
  d$stem[mine] <- wordStem(enc2utf8(d$word[mine]), l)
}
out <- file("stems.csv", "w", encoding = "UTF-8")
write.csv(d, out, row.names = FALSE, quote = FALSE)
close(out)
