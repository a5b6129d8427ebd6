"""What steps of training lead to, differentiated by what their loss is made of; takes torch.

One step that is kept or thrown away needs no second derivative of the network: with
``theta' = theta + k grad M`` and ``v = grad L(theta')`` the derivative of ``L(theta')`` by the
loss's parameters phi is ``k d/dphi <dM/df, J v>``, J the Jacobian of the outputs f at theta
(`meta_gradient`; `loss_slopes` the part of the loss, `forward_derivative` that of the network).
Several steps are gone through backwards, one at a time (`many_steps`).

`functional_module` gives a torch module's passes as functions of one vector of parameters, `sgd`
the step, `drawing` the draws inside a network. No other room of searches is imported.
"""
