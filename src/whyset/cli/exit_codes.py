"""Exit codes of the program."""

DONE, WRONG_INPUT, PARTLY_DONE, INTERRUPTED = 0, 2, 3, 130
