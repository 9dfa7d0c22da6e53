"""Polars: a lazy scan grouped by word, run by its streaming engine."""

import os

from report import arguments, report

file, threads, output = arguments()
# The library reads this only when it is loaded.
os.environ["POLARS_MAX_THREADS"] = str(threads)

import polars

columns = {"word": polars.String, "year": polars.Int32, "count": polars.UInt64, "volumes": polars.UInt64}
lines = polars.scan_csv(file, separator="\t", has_header=False, quote_char=None, schema=columns, glob=False)
totals = lines.group_by("word").agg(polars.col("count").sum()).collect(engine="streaming")
if output:
    totals.write_csv(output, separator="\t", include_header=False, quote_style="never")
report(totals.height, totals["count"].sum())
