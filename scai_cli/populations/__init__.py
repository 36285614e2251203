"""People and tasks from elsewhere: let in, looked at, drawn from."""
