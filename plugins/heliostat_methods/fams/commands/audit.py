"""Stand-in."""
import click


@click.command()
def audit() -> None:
    """Nothing yet."""
