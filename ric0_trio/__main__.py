"""`python -m ric0_trio`: the same as the command `ric0-trio`."""

from ric0_trio.cli import main

if __name__ == "__main__":
    main()
