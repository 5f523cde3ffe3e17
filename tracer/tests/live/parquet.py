"""What DuckDB reads in a Parquet file, as JSON: the type of each column, how many rows each group has,
and of each row what is not null."""

import json
import sys

sys.path.insert(0, sys.argv[1])

import duckdb

path = [sys.argv[2]]
columns = duckdb.execute("describe select * from read_parquet(?)", path).fetchall()
types = {name: kind for name, kind, *_ in columns}
groups = duckdb.execute(
    "select any_value(row_group_num_rows) from parquet_metadata(?) group by row_group_id order by row_group_id",
    path).fetchall()
# Times in ns, for which Python's have no room.
rows = duckdb.execute("select * replace (epoch_ns(time) as time) from read_parquet(?)", path).fetchall()
rows = [{name: value for name, value in zip(types, row) if value is not None} for row in rows]
json.dump({"types": types, "groups": [count for count, in groups], "rows": rows}, sys.stdout)
