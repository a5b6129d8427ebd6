"""AdaLFL: a loss function that is learned while the one model it trains is trained."""
