"""The row formats that trainers read."""
