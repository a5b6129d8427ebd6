"""Research methods that ship with Heliostat, one package a method, and the list of them.

The core reads this list as it reads the entry points of others: a module for each plugin, imported
when it is asked for. That works where nothing is installed, and help imports no method.
"""

PLUGINS: dict[str, str] = {
    "parts": "heliostat_methods.parts.plugin",
    "primitives": "heliostat_methods.evomal.losses.primitive_parts",
    "evomal": "heliostat_methods.evomal.method",
    "step_options": "heliostat_methods.step_options.method",
    "fams": "heliostat_methods.fams.method",
    "pnag": "heliostat_methods.pnag.method",
    "adalfl": "heliostat_methods.adalfl.method",
    "gmconv": "heliostat_methods.gmconv.method",
    "lutnn": "heliostat_methods.lutnn.method",
    "amplitudes": "heliostat_methods.amplitudes.method",
    "strokegan": "heliostat_methods.strokegan.method",
    "tune": "heliostat_methods.tune.method",
    "spaces": "heliostat_methods.pnag.spaces.plugin",
    "masked_layers": "heliostat_methods.gmconv.parts",
    "lookup_layers": "heliostat_methods.lutnn.parts",
    "latency": "heliostat_methods.pnag.latency.method",
}
"""Name of each plugin and the module that implements its hooks."""

METHODS: tuple[str, ...] = (
    "evomal",
    "step_options",
    "fams",
    "pnag",
    "adalfl",
    "gmconv",
    "lutnn",
    "amplitudes",
    "strokegan",
    "tune",
    "latency",
)
"""Plugins that offer the method of the same name."""

VERBS: dict[str, tuple[str, str]] = {
    "data": ("parts", "Fetch data sets of package registries, and list what is cached."),
    "audit": ("fams", "Say whether anybody's scores are equally right for all subgroups."),
    "font": ("strokegan", "Draw characters with a run's generator and write them as a font."),
    "latency": ("latency", "Measure the latency of blocks on this machine, and show a table."),
    "losses": ("evomal", "List, show, plot, compare and export losses of past runs."),
    "networks": ("pnag", "List and export networks of past runs."),
    "sheet": ("strokegan", "Print pages to draw characters on, and read their scans."),
    "verify-relations": ("amplitudes", "Prove relations between scattering amplitudes, exactly."),
}
"""Verbs, each with the plugin that has it and its help."""

ALWAYS: tuple[str, ...] = ("parts", "primitives")
"""Plugins whose offers are known before those of others, so that nobody takes their names."""

KINDS: dict[str, tuple[str, ...]] = {
    "space": ("spaces",),
    "layer": ("masked_layers", "lookup_layers"),
}
"""Kinds of parts with the plugins that bring them, imported when one is looked for."""
