"""`python -m tinygen`."""

from .cli import main

main()
