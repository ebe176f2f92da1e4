"""Lets `python -m reconciler` do what the program `reconciler` does."""

from reconciler.cli import main

if __name__ == "__main__":
    main()
