"""Names of the contestants, which a configuration checks without loading any of them."""

METHODS = {
    "task_loss": "the task's own loss",
    "adalfl": "a loss that adapts after every step (AdaLFL)",
    "adalfl_offline": "the same, begun by Algorithm 1",
    "adalfl_random": "the same, begun from random weights",
    "adalfl_softplus": "the same with ML3's softplus at the output",
    "offline": "Algorithm 1 alone, then frozen",
    "warm_start": "a network fitted to the task's loss, frozen",
    "ml3": "ML3: a network of its own shape, learned offline, then frozen",
    "learning_rate": "the task's loss under a learning rate that adapts (Algorithms 3 and 4)",
}
"""In the order in which tables show them, with what each is."""

START = {
    "task_loss": "none",
    "adalfl": "configured",
    "adalfl_offline": "offline",
    "adalfl_random": "random",
    "adalfl_softplus": "configured",
    "offline": "offline",
    "warm_start": "task_loss_regression",
    "ml3": "offline",
    "learning_rate": "none",
}
"""How the loss of each begins; `configured` is what `phi_init` says."""
ADAPTIVE = ("adalfl", "adalfl_offline", "adalfl_random", "adalfl_softplus")
"""Those whose loss changes during the training."""
