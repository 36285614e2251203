"""What a program observes in a text."""
