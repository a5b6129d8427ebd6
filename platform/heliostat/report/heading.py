"""What stands above a report's sections: what the run is, and what a reader must know first."""

from __future__ import annotations

import time
from collections.abc import Sequence

from heliostat.amounts import took
from heliostat.contract.commands import next_command
from heliostat.contract.method import MethodSpec
from heliostat.contract.sections import Block, Text
from heliostat.report.standing import standing
from heliostat.store.view import RunView

_WHY = {
    "running": "This run goes on; the page shows what there was at {now}.",
    "stopped": "This run is not finished: its driver was killed, or its machine went down.",
    "interrupted": "This run is not finished: it was interrupted.",
    "paused": "This run is not finished: it was paused.",
    "failed": "This run failed.",
}
_MISSING = (
    "Missing: the result with its digest, and what the search does and saves at its end. Numbers "
    "below may still change."
)


def title(view: RunView, method: MethodSpec) -> str:
    """Return the name that people gave the run, or its method and what it works on."""
    on = view.about.on
    return view.marks.name or (f"{method.name} on {on}" if on else method.name)


def subtitle(view: RunView, method: MethodSpec) -> str:
    """Return what the method does, and which run this is."""
    on = view.about.on
    named = [f"{method.name} on {on}" if on else method.name] if view.marks.name else []
    does = ", ".join([*named, method.summary])
    begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(view.created))
    said = [f"run {view.id}", f"seed {view.seed}", view.state, f"begun {begun}"]
    worked = view.seconds()
    if round(worked):  # a start that was killed may have said nothing of its time
        said.append(f"worked on for {took(worked, view.state)}")
    return f"{does[:1].upper()}{does[1:]}; {', '.join(said)}."


def banner(view: RunView) -> str:
    """Return what is missing of a run that is not finished; nothing for one that is."""
    state = view.state
    if state == "finished":
        return ""
    said = [_WHY.get(state, f"This run is not finished: {state}.")]
    said[0] = said[0].format(now=time.strftime("%Y-%m-%d %H:%M:%S"))
    if view.error and state != "running":
        said.append(f"{view.error[:300].rstrip('.')}.")
    where = standing(view)
    said += [*([where] if where else []), _MISSING]
    verb, then = ("report", "Look again") if state == "running" else ("resume", "Go on")
    return " ".join([*said, f"{then} with: {next_command(verb, view.id)}"])


def lead(view: RunView) -> Sequence[Block]:
    """Return what people wrote about the run."""
    marks = view.marks
    content: list[Block] = [Text(marks.note)] if marks.note else []
    if marks.tags:
        tags = ", ".join(f"{key}={value}" if value else key for key, value in marks.tags.items())
        content.append(Text(f"Tags: {tags}"))
    return content
