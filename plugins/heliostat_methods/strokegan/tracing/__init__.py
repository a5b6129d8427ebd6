"""Grey glyph images to outlines of lines and quadratic curves; plain numpy, many images at once.

Points are (x, y) in pixels, x to the right from the left edge, y up from the lower edge; ink is on
the right hand of the way, so outer contours run clockwise and holes against it, as TrueType wants.

`contours`: marching squares. `corners`: where an outline turns. `segments`: lines and curves that
keep within a tolerance of the contours. `outline`: all of it, images in and outlines out.
"""
