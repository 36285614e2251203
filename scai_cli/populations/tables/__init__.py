"""The rows of tables in files of every kind, one row at a time."""
