"""`heliostat losses`: losses of past runs, shown and compared; may import everything else."""
