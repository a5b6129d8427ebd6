"""Three small methods that show how a search uses `run`; each fits on a page."""
