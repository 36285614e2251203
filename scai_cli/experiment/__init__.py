"""The experiment file: config, YAML, personas, tasks, constitution, models."""
