# One table, line after line. A total is exact up to 2^53, because awk counts in floating point.
BEGIN { FS = "\t"; output = ENVIRON["TOTALS"] }
{ total[$1] += $3 }
END {
    for (word in total) {
        words++
        occurrences += total[word]
        if (output != "") printf "%s\t%.0f\n", word, total[word] > output
    }
    printf "%d\t%.0f\n", words, occurrences
}
