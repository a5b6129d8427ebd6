"""Loss networks: what one is made of, its shape and its activation; knows no method."""
