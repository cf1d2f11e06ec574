"""`python -m canthus`."""

from canthus.cli import main

if __name__ == "__main__":
    main()
