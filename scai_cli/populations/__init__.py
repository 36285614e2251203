"""Import, describe, sample and generate personas and tasks."""
