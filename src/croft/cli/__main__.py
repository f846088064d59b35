"""`python -m croft.cli`."""

from croft.cli import main

main(prog_name="croft")
