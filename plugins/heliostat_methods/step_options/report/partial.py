"""A price that is still being made: the contract, engines that have ended, paths or rows so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heliostat.contract import RunView
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.step_options.report.wording import (
    ENGINES,
    contract_rows,
    contract_sentence,
    price_text,
)

_Metrics = Mapping[str, Sequence[tuple[int, float]]]


def partial(view: RunView) -> Sequence[Section]:
    """Return what is known of a price, or of a book, before the search has ended."""
    metrics = view.metrics(())
    if view.config["book"] is not None:
        return [_book(view, metrics)]
    rows = [list(row) for row in contract_rows(view.config)]
    words = Text(contract_sentence(view.config))
    price = Section("Price", [words, Table(["contract and market", ""], rows)])
    return [price, _engines(view, metrics)]


def price_plot(metrics: _Metrics) -> list[Plot]:
    """Return the price as paths come in, with its band; nothing before there are two of it."""
    points, errors = metrics.get("price", ()), metrics.get("error", ())
    if len(points) < 2:
        return []
    steps, values = [step for step, _ in points], [value for _, value in points]
    wide = [2 * error for _, error in errors]
    low = [v - w for v, w in zip(values, wide, strict=True)]
    high = [v + w for v, w in zip(values, wide, strict=True)]
    return [Plot("Price as paths come in", "chunks of paths", "price",
                 [Series("price", steps, values, low, high)],
                 note="Band: two standard errors.")]  # fmt: skip


def _engines(view: RunView, metrics: _Metrics) -> Section:
    config = view.config
    rows: list[list[str | int | float | None]] = [
        [call.method, ENGINES[call.method], price_text(found["price"], found["abs_error_estimate"]),
         float(found["abs_error_estimate"])]
        for _, call, found in view.found("step_options.evaluate")
        if isinstance(found["price"], float)  # a sweep's calls are among them
    ]  # fmt: skip
    content: list[Text | Table | Plot] = []
    if rows:
        head = ["engine", "what it is", "price", "stated error"]
        content.append(Table(head, rows, "Engines that have ended, in the order of asking."))
    content += price_plot(metrics)
    every = view.outcomes(delivered=False)
    chunks = sum(row.function == "step_options.run_shard" for row in every)
    if chunks:
        content.append(Text(f"{chunks:,} chunks of paths are done."))
    asked = list(dict.fromkeys([config["method"], *config["cross_check"]]))
    content.append(Text(f"Asked for: {', '.join(asked)}. They are compared when all have ended."))
    return Section("Engines so far", content)


def _book(view: RunView, metrics: _Metrics) -> Section:
    lines: list[float] = []
    values: list[float] = []
    bad: list[list[str | int | float | None]] = []
    for _, _, part in view.found("step_options.price_book_rows"):
        lines += map(float, part.lines)
        values += (part.quantity * part.column("price")).tolist()
        bad += [[row.line, row.id, row.field, row.message] for row in part.problems]
    content: list[Text | Table | Plot] = [
        Text(f"{len(lines):,} contracts are priced and {len(bad):,} rows refused so far.")
    ]
    if lines:
        points = Series("row", lines, values, style="points")
        content.append(Plot("Value of each row", "line of the file", "quantity x price", [points]))
    if bad:
        content.append(Table(["line", "id", "field", "reason"], bad[:200], "Rows refused so far."))
    return Section("Book so far", content)
