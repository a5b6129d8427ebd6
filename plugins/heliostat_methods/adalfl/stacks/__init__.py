"""Stacks: several seeds of one setting trained side by side in closed form, without autograd."""
