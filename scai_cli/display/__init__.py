"""What people see in the terminal; rich is used here and in `cli/` only."""
