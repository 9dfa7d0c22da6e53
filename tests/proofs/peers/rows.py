"""What the scripts beside this one share: what they are told, what they say, and how rows are told apart."""

import sys
import time
import zlib


def told():
    """The query, how many rows to fetch at a time, and what else there is."""
    query, size, *rest = sys.argv[1:]
    return query, int(size), rest


def row_sum(number, name):
    """A row's part in a sum that tells sets of rows apart, whatever their order."""
    return zlib.crc32(name.encode(), zlib.crc32(number.to_bytes(4, "big", signed=True)))


def clocks():
    """The time, and this process's processor time, in nanoseconds."""
    return time.perf_counter_ns(), time.process_time_ns()


def report(seen, before):
    """Says what was seen, and what that took."""
    after = clocks()
    print(*seen, *(later - earlier for earlier, later in zip(before, after)), flush=True)
