"""What a page and a terminal show, no part of a result; may import `analysis` and below."""
