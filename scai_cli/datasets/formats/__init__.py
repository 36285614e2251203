"""The row formats of trainers."""
