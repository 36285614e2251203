"""The file that a user writes: config, YAML, personas, tasks, constitution, models."""
