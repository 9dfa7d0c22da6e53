"""Plain Python over the lines of a 1-gram file, in one process or in several."""


def read(file):
    """All lines in a list, as in the book. Bytes that are not UTF-8 survive."""
    with open(file, encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        return lines.readlines()


def add_up(lines):
    """The total of every word in some lines."""
    totals = {}
    for line in lines:
        word, _, count, _ = line.split("\t")
        totals[word] = totals.get(word, 0) + int(count)
    return totals


def merge(totals, others):
    """Adds `others` to `totals`."""
    for word, count in others.items():
        totals[word] = totals.get(word, 0) + count
    return totals
