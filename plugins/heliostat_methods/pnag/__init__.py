"""PNAG: joint Pareto architecture search that answers any budget."""
