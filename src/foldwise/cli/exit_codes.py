"""What the command line's exit codes mean."""

DONE, CANNOT_FIT, WRONG_USE = 0, 1, 2
