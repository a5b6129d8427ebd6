"""A plugin author's mistakes with `run` are found by `mypy --strict`, before anything runs."""

from pathlib import Path

from mypy import api

PLUGIN = """
from heliostat import Outcome, Run, TaskContext

def score(item: tuple[int, float], ctx: TaskContext) -> float:
    return item[1]

def search(config: object, run: Run) -> float:
    outcomes: list[Outcome[float]] = run.map(score, [(1, 2.0)])
    run.map(score, ["not a pair"])  # wrong: item
    run.mapp(score, [])  # wrong: verb
    run.map(len, [(1, 2.0)])  # wrong: task
    best: float = run.call(score, (1, 2.0))  # wrong: outcome
    run.rng(1.5)  # wrong: name
    return min(outcome.unwrap() for outcome in outcomes)
"""

# What the interface says of arrays and data models plays no part in the mistakes, and reading
# those libraries takes mypy eight times as long as reading everything else.
SETTINGS = """
[mypy]
strict = True
follow_imports = silent
[mypy-numpy.*,pydantic.*,pydantic_core.*,torch.*,click.*]
follow_imports = skip
follow_imports_for_stubs = True
"""


def test_each_mistake_is_a_type_error_and_correct_use_is_none(tmp_path: Path) -> None:
    file = tmp_path / "plugin.py"
    file.write_text(PLUGIN)
    (tmp_path / "mypy.ini").write_text(SETTINGS)
    options = ["--config-file", str(tmp_path / "mypy.ini"), "--cache-dir", str(tmp_path / "cache")]
    said, _, _ = api.run([*options, str(file)])
    wrong = [i for i, line in enumerate(PLUGIN.splitlines(), 1) if "# wrong" in line]
    found = [int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line]
    assert sorted(set(found)) == wrong, said
