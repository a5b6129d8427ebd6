"""Tables as they come: how a file is written, what its columns are, what becomes of them.

Files (`csv_file`, `parquet_file`) become a `Table` of typed columns; `inputs` and `targets` make a
data set of it. May import the platform's doors and `heliostat_search`.
"""
