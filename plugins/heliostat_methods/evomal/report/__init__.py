"""What a page and a terminal show, no part of a result; may import everything but `commands`."""
