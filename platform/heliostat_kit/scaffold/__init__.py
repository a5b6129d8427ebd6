"""A new plugin: a complete distribution from templates; imports the errors of the core alone."""
