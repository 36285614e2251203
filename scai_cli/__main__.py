"""Lets `python -m scai_cli` stand for `scai`."""

from scai_cli.cli import main

main()
