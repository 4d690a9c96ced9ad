"""`python -m palate.cli`: the command line where no `palate` script is on the path."""

from palate.cli.main import main

__all__: list[str] = []

main()
