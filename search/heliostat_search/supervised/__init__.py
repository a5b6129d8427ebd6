"""A supervised problem as methods train on it; takes torch.

`problem`: the data of one split with the model that is trained, as it travels and as tensors.
`batches`: rows of a step, by its number alone. `streams`: random streams by name.
`module_training`: a plain training of one module, resumable.

May import `splits`, `trainings`, `loss_networks` and `unrolled`.
"""
