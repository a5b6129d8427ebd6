"""A font file from images of glyphs, checked by drawing it again; sheets to draw glyphs on.

`export`: images in, a file and a report out. `scale`: pixels to font units. `characters`: what may
be in a font. `licence`: what the fonts behind the images allow. `assembly`: the tables. `check`:
the file's glyphs beside the images. `sheet` and `scan`: a page for a pen, and reading it back.
`libraries`: fontTools and Pillow, loaded when first used.
"""
