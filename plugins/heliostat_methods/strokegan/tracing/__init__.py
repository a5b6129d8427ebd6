"""Grey glyph images to outlines of lines and quadratic curves; plain numpy, many images at once.

Points are (x, y) in pixels, x to the right from the left edge, y up from the lower edge; ink is on
the right hand of the way, so outer contours run clockwise and holes against it, as TrueType wants.

`edges`: where between two pixels ink ends. `contours`: marching squares. `corners`: where an
outline turns. `runs`: vertices from break to break. `segments`: lines and curves that keep within
a tolerance of them. `joins`: smooth where they were cut. `outline`: images in, outlines out.
"""
