"""``python -m foldwise``: the command line."""

from foldwise.cli import main

main()
