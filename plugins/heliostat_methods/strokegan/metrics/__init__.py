"""What generated glyphs are worth; plain numpy, nothing is trained or downloaded.

Images are (N, H, W) floats in [0, 1], white is 1. What is a value of one image comes as (N,), so
that variants can be compared in pairs; its mean is the figure of a table.

`pixels`: L1 and PSNR. `structure`: SSIM. `ink`: intersection over union of black.
`frechet`: distance of two clouds of features. `neighbourhoods`: precision, recall, density and
coverage in them. `modes`: how many outputs differ. `retrieval`: whose true glyph is the nearest.
`strokes`: wrong bits of a stroke code. `checks`: what may come in.
"""
