"""Rows on disk, the one door to them: JSONL, parquet shards, JSON objects and CSV.

`each_problem` and `StoredProblems` read problems from a folder of shards or from a JSONL file.
`numina.rows.rejected` has what a stage left out.
"""

from numina.rows.jsonl import (
    existing,
    numbered_lines,
    parse_row,
    read_lines,
    read_object,
    read_records,
    read_rows,
    write_rows,
    written_rows,
)
from numina.rows.parquet import count_shard_rows, read_shards, shard_files, written_shards
from numina.rows.problems import (
    TEXTS,
    count_rows,
    each_problem,
    files_of,
    read_problems,
    read_splits,
    to_problem,
)
from numina.rows.stored import StoredProblems, picked
from numina.rows.whole import (
    check_output,
    csv_text,
    write_csv,
    write_json,
    write_text,
    written_folder,
    written_whole,
)

__all__ = [
    "TEXTS",
    "StoredProblems",
    "check_output",
    "count_rows",
    "count_shard_rows",
    "csv_text",
    "each_problem",
    "existing",
    "files_of",
    "numbered_lines",
    "parse_row",
    "picked",
    "read_lines",
    "read_object",
    "read_problems",
    "read_records",
    "read_rows",
    "read_shards",
    "read_splits",
    "shard_files",
    "to_problem",
    "write_csv",
    "write_json",
    "write_rows",
    "write_text",
    "written_folder",
    "written_rows",
    "written_shards",
    "written_whole",
]
