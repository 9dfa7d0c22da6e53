"""Plain Python over the lines of a 1-gram file, in one process or in several."""


def read(file):
    """All lines, as the book holds them: in a list. Bytes that are no UTF-8 survive."""
    with open(file, encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        return lines.readlines()


def add_up(lines):
    """The total of every word of some lines."""
    totals = {}
    for line in lines:
        word, _, count, _ = line.split("\t")
        totals[word] = totals.get(word, 0) + int(count)
    return totals


def merge(totals, others):
    """Adds other totals to some."""
    for word, count in others.items():
        totals[word] = totals.get(word, 0) + count
    return totals
