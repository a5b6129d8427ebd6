"""The parts that come with Heliostat: data sets, models and losses that methods name.

`plugin` lists them and is cheap to import; everything else is loaded when a part is built.
"""
