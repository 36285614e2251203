"""The folders that work leaves behind: events, directories, locks, call log, history."""
