"""The script that `ray submit` copies to the head node: it only calls the installed command."""

from heliostat.cli import main

if __name__ == "__main__":
    main()
