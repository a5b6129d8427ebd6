"""What a loss does to a model, and the surface it trains on; may import `learners` and below."""
