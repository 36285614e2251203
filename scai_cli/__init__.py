"""Social Contract AI: simulate a group of users who argue an assistant's constitution into a better one."""

__version__ = "0.1.0"
