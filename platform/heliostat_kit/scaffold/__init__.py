"""A new plugin: the files of a complete distribution, from templates, under a name of its own."""
