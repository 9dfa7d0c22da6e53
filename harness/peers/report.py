"""What every one of these scripts is told, and what it says in the end."""

import sys


def told():
    """The file, the number of threads, and where to write the totals, if anywhere."""
    file, threads, *output = sys.argv[1:]
    return file, int(threads), output[0] if output else None


def report(words, occurrences):
    """Prints what shows that the work was done: how many words, and what they add up to."""
    print(f"{words}\t{occurrences}")


def report_dictionary(totals, output):
    """The same for totals that are a dictionary, which is written down if that is asked for."""
    if output:
        with open(output, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.writelines(f"{word}\t{total}\n" for word, total in totals.items())
    report(len(totals), sum(totals.values()))
