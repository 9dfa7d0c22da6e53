"""The arguments that every script gets, and the line that it prints at its end."""

import sys


def arguments():
    """The input file, the number of threads, and the file for the totals or None."""
    file, threads, *output = sys.argv[1:]
    return file, int(threads), output[0] if output else None


def report(words, occurrences):
    """Prints the number of words and the sum of their totals, which shows that the work was done."""
    print(f"{words}\t{occurrences}")


def report_dictionary(totals, output):
    """The same for totals in a dictionary, after writing them to `output`, if that is given."""
    if output:
        with open(output, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.writelines(f"{word}\t{total}\n" for word, total in totals.items())
    report(len(totals), sum(totals.values()))
