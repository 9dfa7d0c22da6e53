"""DuckDB: one GROUP BY over the file, with the columns' types given so that it need not guess them."""

import duckdb

from report import arguments, report

TOTALS = """
    CREATE TABLE totals AS
    SELECT word, sum(count)::UBIGINT AS total
    FROM read_csv(?, delim = '\t', header = false, quote = '', escape = '', auto_detect = false,
                  columns = {'word': 'VARCHAR', 'year': 'INTEGER', 'count': 'UBIGINT', 'volumes': 'UBIGINT'})
    GROUP BY word
"""

file, threads, output = arguments()
connection = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
connection.execute(TOTALS, [file])
if output:
    connection.execute(f"COPY totals TO '{output}' (FORMAT csv, DELIMITER '\t', HEADER false, QUOTE '', ESCAPE '')")
report(*connection.execute("SELECT count(*), coalesce(sum(total), 0) FROM totals").fetchone())
