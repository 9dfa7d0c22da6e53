"""DuckDB: one GROUP BY over the file, with the columns' types given so that it need not guess them."""

import duckdb

from report import arguments, report

TOTALS = """
    CREATE TABLE totals AS
    SELECT word, sum(count)::UBIGINT AS total
    FROM read_csv(?, delim = '\t', header = false, quote = '', escape = '', auto_detect = false, compression = 'none',
                  columns = {'word': 'VARCHAR', 'year': 'INTEGER', 'count': 'UBIGINT', 'volumes': 'UBIGINT'})
    GROUP BY word
"""

file, threads, output = arguments()
connection = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
# A path is a pattern, in which these letters have a meaning outside of brackets.
connection.execute(TOTALS, ["".join(f"[{letter}]" if letter in "*?[" else letter for letter in file)])
if output:
    output = output.replace("'", "''")
    connection.execute(f"COPY totals TO '{output}' (FORMAT csv, DELIMITER '\t', HEADER false, QUOTE '', ESCAPE '')")
report(*connection.execute("SELECT count(*), coalesce(sum(total), 0) FROM totals").fetchone())
