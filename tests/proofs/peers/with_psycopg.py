"""psycopg 3: a server-side cursor with binary rows, which fetches so many at a time."""

import sys

import psycopg

from rows import clocks, report, row_sum, told

query, size, _ = told()


def cursor(connection):
    cursor = connection.cursor("rows", binary=True)
    cursor.itersize = size
    return cursor


def read(connection):
    rows = numbers = letters = 0
    with connection.transaction(), cursor(connection) as found:
        for number, name in found.execute(query):
            rows += 1
            numbers += number
            letters += len(name)
    return rows, numbers, letters


def check(connection):
    with connection.transaction(), cursor(connection) as found:
        return (sum(row_sum(*row) for row in found.execute(query)),)


with psycopg.connect() as connection:
    print(psycopg.__version__, connection.info.backend_pid, flush=True)
    for line in sys.stdin:
        before = clocks()
        report((check if line == "check\n" else read)(connection), before)
