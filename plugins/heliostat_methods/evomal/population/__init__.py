"""Many losses at once, as compiled code evaluates them; may import `losses`."""
