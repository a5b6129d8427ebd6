"""Inference by two operators, closest-centroid search and table lookup, compiled or in torch.

`linear` and `convolution` are the doors, `ops` the same for torch.export; `backend` says what runs.
`packing`: a layer as plain tensors in the kernel's layouts. `layer_view`: the same as C sees it.
`library`: the compiled source `lut_kernel.cpp` and its variants. `fallback`: the same in torch.
`threads`: blocks of tokens on as many threads as torch uses.
"""
