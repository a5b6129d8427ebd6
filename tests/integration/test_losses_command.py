"""`heliostat losses`: what past runs have found, looked at, compared and taken away."""

from __future__ import annotations

import importlib.util
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from heliostat.cli.main import run as heliostat
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.record import RunRecord
from heliostat.values.canonical import encode

DIGITS = "mul(-1, mul(1.02*y, log(0.9*f)))"
DIABETES = "square(sub(y, 0.98*f))"
STARTS_WITH = 'initial=["square(sub(y, f))"]'
SMALL = ["--model", '{name="mlp", hidden=[6]}', "--steps", "20", "--seeds", "3"]


def finished(
    root: Path,
    name: str,
    losses: dict[str, tuple[str, str]],
    seed: int = 0,
    created: float = 1.0,
    **settings: Any,
) -> None:
    """Leave a finished run whose searches found these losses: {name: (task, tree)}.

    The first part of a name is the data set.
    """
    from heliostat_methods.evomal.losses.expression import parse

    folder = RunFolder(root / name)
    folder.path.mkdir(parents=True)
    model = {"name": "mlp", "hidden": [6]}
    config = {"datasets": list(losses), "model": model, "momentum": 0.5, **settings}
    record = RunRecord("evomal", config, seed=seed, created=created, state="finished")
    journal = Journal(folder.database, folder.artifacts, record=record)
    problems = []
    for product, (task, text) in losses.items():
        dataset = product.partition("-")[0]
        value = {
            "task": task, "loss": parse(text).to_dict(), "fitness": 0.25, "dataset": dataset
        }  # fmt: skip
        content = encode(value).encode()
        sha256 = folder.artifacts.put(content)
        media = "application/json"
        journal.add_product(f"loss-{product}", (1,), "loss", sha256, len(content), media)
        row = {"role": "found_best_rate", "mean": 0.125}
        problems.append(
            {"dataset": dataset, "classes": 1 if task == "regression" else 10,
             "comparison": {"losses": [{"role": "found"}, row]}}
        )  # fmt: skip
    journal.change(result=journal.intern(encode({"problems": problems})))
    journal.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: `both` left two losses, `later` one, `study` a table of them, `broken` is damaged."""
    folder = tmp_path_factory.mktemp("runs")
    both = {"digits": ("classification", DIGITS), "diabetes": ("regression", DIABETES)}
    finished(folder, "both", both)
    later = {"digits": ("classification", "abs(log(1.25*mul(y, f)))")}
    finished(folder, "later", later, seed=7, created=2.0)
    finished(folder, "empty", {})
    table = {"table": ("regression", DIABETES)}
    finished(folder, "tables", table, created=0.5, datasets=["csv:a/table.csv", "csv:b.csv"])
    cells = {f"wine-linear-none-{k}": ("classification", DIGITS) for k in range(2)}
    study = {"datasets": ["wine", "digits"], "models": ["linear"]}
    finished(folder, "study", cells, created=0.25, datasets=["diabetes"], study=study)
    (folder / "broken").mkdir()
    (folder / "broken" / "run.db").write_bytes(b"no database")
    return folder


@pytest.fixture
def losses(runs: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run `heliostat losses ...` in this process; returns code, out and err."""

    def call(*arguments: object) -> Any:
        words = [str(a) for a in arguments]
        code = heliostat(["losses", words[0], "--runs", str(runs), *words[1:]])
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


def test_list_shows_every_loss_of_every_run_newest_first(losses: Any) -> None:
    done = losses("list", "--json")
    rows = json.loads(done.out)
    assert [(r["run"], r["dataset"]) for r in rows] == [
        ("later", "digits"),
        ("both", "diabetes"),
        ("both", "digits"),
        ("tables", "table"),
        ("study", "wine"),
        ("study", "wine"),
    ]
    assert rows[2]["formula"] == "-1.02*y*log|0.9*f|"
    assert (rows[2]["fitness"], rows[2]["test"], rows[2]["task"]) == (0.25, 0.125, "classification")
    assert done.err.startswith("broken: ")
    text = losses("list").out
    assert all(part in text for part in ("both/loss-digits", "(y - 0.98*f)^2", "test 0.125"))


def test_a_run_that_was_stopped_lists_what_was_best_so_far(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    finished(tmp_path, "stopped", {"digits": ("classification", DIGITS)})
    folder = RunFolder(tmp_path / "stopped")
    journal = Journal(folder.database, folder.artifacts)
    journal.add_event("phase", "1 digits: searching")
    journal.add_metrics((1,), 3, 31, 60.0, {"best": 0.25}, 9.0)
    journal.change(state="interrupted", result=None)
    journal.close()
    assert heliostat(["losses", "list", "--runs", str(tmp_path)]) == 0
    text = capfd.readouterr().out
    assert "validation 0.25  test -  so far, interrupted" in text
    assert "stopped is interrupted: digits: searching, step 3 of 31, best 0.25" in text
    assert heliostat(["losses", "list", "--runs", str(tmp_path), "--json"]) == 0
    (row,) = json.loads(capfd.readouterr().out)
    assert (row["state"], row["fitness"]) == ("interrupted", 0.25)


def test_an_empty_folder_says_how_to_find_a_loss(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert heliostat(["losses", "list", "--runs", str(tmp_path), "--json"]) == 0
    assert capfd.readouterr().out.strip() == "[]"
    assert heliostat(["losses", "list", "--runs", str(tmp_path)]) == 0
    assert "heliostat run evomal" in capfd.readouterr().err


def test_a_run_whose_loss_cannot_be_read_hides_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    finished(tmp_path, "good", {"digits": ("classification", DIGITS)})
    folder = RunFolder(tmp_path / "odd")
    folder.path.mkdir()
    record = RunRecord("evomal", {}, state="finished")
    journal = Journal(folder.database, folder.artifacts, record=record)
    content = encode({"task": "regression", "loss": {"nodes": ["cosh", "y"]}}).encode()
    sha256 = folder.artifacts.put(content)
    journal.add_product("loss-x", (1,), "loss", sha256, len(content), "application/json")
    journal.close()
    assert heliostat(["losses", "list", "--runs", str(tmp_path), "--json"]) == 0
    out, err = capfd.readouterr()
    assert [row["run"] for row in json.loads(out)] == ["good"]
    assert "run odd: product 'loss-x' is no loss: unknown primitive 'cosh'" in err
    assert heliostat(["losses", "show", "odd", "--runs", str(tmp_path)]) == 5


def test_show_tells_where_a_loss_rests_and_what_it_smooths(losses: Any) -> None:
    (account,) = json.loads(losses("show", "later", "--json").out)
    assert account["equilibrium"] == pytest.approx(0.8)
    assert account["smoothing"] == pytest.approx(2 / 9)
    assert account["null_epoch"]["target"] == pytest.approx(-0.9)
    assert account["zero_error"]["target"] > 0
    assert account["classes"] == 10
    text = losses("show", "later").out
    assert all(part in text for part in ("rests at p              0.8", "LaTeX", "m(y=1, p)"))


@pytest.mark.parametrize(
    "name, labels",
    [
        ("both", ["both/loss-diabetes", "both/loss-digits"]),
        ("both/digits", ["both/loss-digits"]),
        ("run:both/loss-digits", ["both/loss-digits"]),
        ("PATH", ["both/loss-diabetes", "both/loss-digits"]),
        ("PATH/digits", ["both/loss-digits"]),
        ("study/wine-linear-none-1", ["study/loss-wine-linear-none-1"]),
        ("study/wine", ["study/loss-wine-linear-none-0", "study/loss-wine-linear-none-1"]),
        ("focal", ["focal"]),
        ('{name = "ace", phi1 = 1.25}', ['{name = "ace", phi1 = 1.25}']),
        ("square(sub(y, f))", ["square(sub(y, f))"]),
    ],
)
def test_losses_are_found_by_name(losses: Any, runs: Path, name: str, labels: list[str]) -> None:
    accounts = json.loads(losses("show", name.replace("PATH", str(runs / "both")), "--json").out)
    assert [a["label"] for a in accounts] == labels


@pytest.mark.parametrize(
    "name, said",
    [
        ("run:both", ["run:both/PRODUCT", "it has: loss-diabetes, loss-digits"]),
        ("run:both/digits", ["did you mean run:both/loss-digits?"]),
        ("run:empty", ["a run with a product of kind 'loss'"]),
    ],
)
def test_another_run_names_the_loss_it_means(
    runs: Path, capfd: pytest.CaptureFixture[str], name: str, said: list[str]
) -> None:
    words = ["run", "evomal", "--preset", "smoke", "--workers", "serial", "--runs", str(runs)]
    assert heliostat([*words, "-o", "datasets=digits", "-o", f"loss={name}"]) == 2
    err = capfd.readouterr().err
    assert all(part in err for part in said)
    assert "Traceback" not in err


def test_a_built_in_loss_is_analysed_through_torch(losses: Any) -> None:
    (account,) = json.loads(
        losses("show", '{name = "label_smoothing", xi = 0.2}', "--classes", 4, "--json").out
    )
    assert account["equilibrium"] == pytest.approx(0.85)
    assert list(account["curves"]) == ["sample"]
    assert "latex" not in account


def test_an_html_page_holds_the_analysis_of_each_kind_of_task(losses: Any, tmp_path: Path) -> None:
    page = tmp_path / "losses.html"
    done = losses("plot", "both", "later", "ace", "-o", page)
    assert (done.code, done.out.strip()) == (0, str(page))
    tree = ET.parse(page).getroot()
    svgs = tree.findall(".//{http://www.w3.org/2000/svg}svg")
    heads = [h.text for h in tree.iter("{http://www.w3.org/1999/xhtml}h2")] or [
        h.text for h in tree.iter("h2")
    ]
    assert heads == ["Losses for regression", "Losses for classification"]
    # the output's curve; target, other, sample and pull; each for a page and for a phone
    assert len(svgs) == 2 * 5
    text = page.read_text()
    assert "label smoothing 0.1" in text
    assert "digits (ater)" in text


@pytest.mark.parametrize("curve", ["sample", "target", "other"])
def test_an_svg_holds_one_plot(losses: Any, tmp_path: Path, curve: str) -> None:
    picture = tmp_path / "loss.svg"
    assert losses("plot", "later", "-o", picture, "--curve", curve).code == 0
    drawn = ET.parse(picture).getroot()
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert "cross_entropy" in drawn.get("aria-label", "")


def test_compare_trains_all_losses_over_paired_seeds(losses: Any) -> None:
    done = losses("compare", "both/digits", "later", "cross_entropy", *SMALL, "--json")
    account = json.loads(done.out)
    rows = account["losses"]
    assert [row["label"] for row in rows] == ["cross_entropy", "both/loss-digits",
                                             "later/loss-digits"]  # fmt: skip
    assert (account["dataset"], account["metric"], account["seed"]) == ("digits", "error_rate", 0)
    assert all(len(row["values"]) == 3 and row["low"] <= row["mean"] <= row["high"] for row in rows)
    difference = rows[1]["against_first"]["difference"]["mean"]
    assert difference == pytest.approx(rows[1]["mean"] - rows[0]["mean"])
    assert rows[1]["against_first"]["holm_p"] >= rows[1]["against_first"]["t_p"]
    # the split of seed 0 is that of the first run's search, not that of the second's
    assert len(account["notes"]) == 1
    assert account["notes"][0].startswith("later/loss-digits was found on digits under another")
    assert "both/loss-digits, rate x 1: 3 of 3 trainings" in done.err
    best = account["at_best"][0]
    assert set(best["others"]) == {"balanced_error", "cross_entropy", "auc_error"}
    assert len(best["kept"]) == 3
    again = json.loads(losses("compare", "both/digits", "later", *SMALL, "--json").out)
    assert [row["values"] for row in again["losses"]] == [row["values"] for row in rows]


def test_compare_on_several_splits_covers_the_split(losses: Any) -> None:
    arguments = ("compare", "both/diabetes", *SMALL, "--rate-factor", 1, "--splits", 2)
    account = json.loads(losses(*arguments, "--json").out)
    values = account["losses"][0]["values"]
    assert (account["splits"], len(values)) == (2, 6)
    alone = json.loads(losses(*arguments[:-2], "--json").out)["losses"][0]["values"]
    assert values[:3] == alone
    assert set(values[3:]).isdisjoint(alone)
    done = losses(*arguments)
    assert "over 2 splits of 3 paired seeds" in done.out
    assert "corrected resampled t-intervals over splits" in " ".join(done.out.split())
    assert "both/loss-diabetes, split 2, rate x 1: 3 of 3 trainings" in done.err


def test_compare_shows_errors_in_the_units_of_the_target(losses: Any) -> None:
    arguments = ("compare", "both/diabetes", *SMALL, "--rate-factor", 1)
    assert "by other measures (in units of the target)" in losses(*arguments).out
    comparison = json.loads(losses(*arguments, "--json").out)["comparison"]
    assert comparison["deviation"] == pytest.approx(77, abs=6)  # of diabetes progression


def test_compare_takes_the_metric_of_the_first_run_or_another(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    finished(tmp_path, "by_auc", {"digits": ("classification", DIGITS)}, metric="auc")
    arguments = ["losses", "compare", "by_auc", "--runs", str(tmp_path), *SMALL,
                 "--rate-factor", "1", "--json"]  # fmt: skip
    assert heliostat(arguments) == 0
    assert json.loads(capfd.readouterr().out)["metric"] == "auc_error"
    assert heliostat([*arguments, "--metric", "log_loss"]) == 0
    assert json.loads(capfd.readouterr().out)["metric"] == "cross_entropy"
    assert heliostat([*arguments, "--metric", "mae"]) == 2
    refused = capfd.readouterr().err
    assert "--metric = 'mae': expected one for classification: error_rate" in refused


def test_a_tree_that_is_typed_in_may_name_operations_beside_the_set(losses: Any) -> None:
    (account,) = json.loads(losses("show", "huber(sub(y, softplus(f)))", "--json").out)
    assert account["formula"] == "huber(y - softplus(f))"
    source = losses("export", "exp(abs(sub(y, f)))", "--task", "regression", "--format", "python")
    assert "torch.exp(" in source.out
    assert losses("show", "expp(sub(y, f))").code == 2


def test_a_loss_named_twice_is_compared_once(losses: Any) -> None:
    arguments = ("both/digits", "run:both/digits", *SMALL, "--rate-factor", 1, "--json")
    account = json.loads(losses("compare", *arguments).out)
    assert [row["label"] for row in account["losses"]] == ["cross_entropy", "both/loss-digits"]


def test_what_is_no_name_of_a_loss_is_refused(runs: Path) -> None:
    from heliostat.errors import ConfigError
    from heliostat_methods.evomal import found_loss

    with pytest.raises(ConfigError, match="name = 3: expected the name of a loss"):
        found_loss(3, runs)  # type: ignore[arg-type]


def test_the_metrics_of_compare_are_those_of_a_configuration() -> None:
    from heliostat_methods.evomal.commands.losses import METRICS
    from heliostat_search.trainings.measures import CHOICES

    assert list(METRICS) == [name for names in CHOICES.values() for name in names]


def test_losses_of_a_study_meet_on_its_own_data_and_model(losses: Any) -> None:
    account = json.loads(losses("compare", "study", "--steps", 5, "--seeds", 2, "--json").out)
    assert (account["dataset"], account["model"]) == ("wine", "linear")
    one, other = (row["values"] for row in account["losses"][1:])
    assert one == other


def test_compare_picks_each_losss_rate_on_validation_data(losses: Any) -> None:
    options = ["--rate-factor", 0.001, "--rate-factor", 1, "--rate-factor", 1e4,
               "--learning-rate", 0.2]  # fmt: skip
    account = json.loads(losses("compare", "both/digits", *SMALL, *options, "--json").out)
    assert [row["learning_rate"] for row in account["losses"]] == pytest.approx([0.2, 0.2])
    text = losses("compare", "both/diabetes", *SMALL, "--seed", 3).out
    assert "== diabetes, mlp (hidden=[6]) ==\ntest mse (y standardised), lower" in text
    assert "note: both/loss-diabetes was found on diabetes under another split" in text


def test_exports_work_without_the_platform(losses: Any, tmp_path: Path) -> None:
    import torch

    from heliostat_methods.evomal.losses.expression import parse

    path = tmp_path / "found.py"
    assert losses("export", "both/digits", "--format", "python", "-o", path).code == 0
    spec = importlib.util.spec_from_file_location("found", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    outputs = torch.randn(5, 10, generator=torch.Generator().manual_seed(0)).requires_grad_()
    targets = torch.tensor([0, 3, 9, 1, 1])
    expected = parse(DIGITS).to_torch_module("classification")(outputs, targets)
    found = module.loss(outputs, targets)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    slopes = [torch.autograd.grad(value, outputs)[0] for value in (found, expected)]
    assert torch.allclose(*slopes, rtol=1e-5, atol=1e-7)
    assert "class FoundLoss" in losses("export", "both/digits", "--format", "torch").out
    assert r"\log" in losses("export", "both/digits", "--format", "latex").out


def test_an_exported_file_is_a_loss_by_name_and_trains_in_the_example(
    losses: Any, tmp_path: Path, python: Any
) -> None:
    path = tmp_path / "found.json"
    assert losses("export", "both/digits", "-o", path).code == 0
    assert json.loads(path.read_text())["run"] == "both"
    (account,) = json.loads(losses("show", path, "--json").out)
    assert account["prefix"] == DIGITS
    done = python("examples/use_found_loss.py", str(path), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    found, usual = done.stdout.splitlines()
    assert found.startswith("loss -1.02*y*log|0.9*f|: test error 0.")
    assert usual.startswith("cross-entropy: test error 0.")
    assert float(found.split()[-1]) < 0.2


def test_the_example_trains_what_the_demo_finds_and_refuses_what_is_no_loss(
    tmp_path: Path, python: Any
) -> None:
    done = python("examples/use_found_loss.py", OMP_NUM_THREADS="1")
    found, usual = done.stdout.splitlines()
    assert found.startswith("loss 1.093*sqrt")
    assert float(found.split()[-1]) < float(usual.split()[-1]) < 1  # at one rate, as in the README
    path = tmp_path / "empty.json"
    path.write_text("{}")
    done = python("examples/use_found_loss.py", str(path), OMP_NUM_THREADS="1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a JSON file of losses export" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["show", "latr"], ["LOSS = 'latr'", "did you mean 'later'?"]),
        (["show", "focl"], ["LOSS = 'focl'", "did you mean 'focal'?"]),
        (["show", "both/digit"], ["a loss of run both", "did you mean 'loss-digits'?"]),
        (["show", "empty"], ["a run that left a loss", "empty is a run of evomal, finished"]),
        (["show", "squre(sub(y, f))"], ["LOSS = 'squre", "'square'"]),
        (["show", "nowhere.json"], ["LOSS = 'nowhere.json'", "a file"]),
        (["show", '{name = "ace", phi2 = 1}'], ["phi2 = 1", "did you mean 'phi1'?"]),
        (["show", '{nam = "ace"}'], ["LOSS = ", "a table such as"]),
        (["show", "ace", "--classes", "1"], ["--classes", "x>=2"]),
        (["plot", "later", "-o", "a.png"], ["--output = 'a.png'", ".html or .svg"]),
        (["plot", "both", "-o", "a.svg"], ["losses of one kind of task", "use .html"]),
        (["compare", "ace"], ["--dataset", "heliostat parts dataset"]),
        (["compare", "both"], ["LOSS = 'both/loss-digits'", "a loss for regression"]),
        (["compare", "tables"], ["--dataset", "run tables used: csv:a/table.csv, csv:b.csv"]),
        (["compare", "later", "--dataset", "digit"], ["'digit'", "did you mean 'digits'?"]),
        (["compare", "later", "--dataset", "wine", "--model", "mpl"], ["did you mean 'mlp'?"]),
        (["compare", "later", "--dataset", "diabetes"], ["a loss for regression"]),
        (["compare", "cross_entropy", "--dataset", "wine"], ["other than the standard one"]),
        (["compare", "later", "--rate-factor", "0"], ["--rate-factor", "x>0"]),
        (["compare", "later", "--steps", "9", "--rate-drop", "9", "0.1"], ["--rate-drop", "to 8"]),
        (["compare", "later", "--rate-factor", "nan"], ["--rate-factor = nan", "finite number"]),
        (["compare", "later", "--learning-rate", "inf"], ["--learning-rate = inf", "finite"]),
        (["compare", "later", "--steps", "9", "--rate-drop", "5", "inf"], ["'5 inf'", "above 0"]),
        (["export", "both"], ["one loss", "both/loss-diabetes or both/loss-digits"]),
        (["export", "ace"], ["a loss that is a tree"]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value, list) else None,
)
def test_a_mistake_is_named_with_the_nearest_valid_choice(
    losses: Any, arguments: list[str], parts: list[str]
) -> None:
    done = losses(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert "Traceback" not in done.err and "unexpected" not in done.err
    for part in parts:
        assert part in done.err


def test_losses_of_a_real_run_are_listed_shown_and_exported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = ["generations=1", "population=4", "test_seeds=2", "test_steps=20", "base_steps=20"]
    options = [word for setting in settings for word in ("-o", setting)]
    command = ["run", "evomal", "--preset", "smoke", *options, "-o", STARTS_WITH]
    assert heliostat([*command, "--workers", "serial", "--runs", str(tmp_path), "--json"]) == 0
    account = json.loads(capfd.readouterr().out)
    (problem,) = account["result"]["problems"]
    assert heliostat(["losses", "list", "--runs", str(tmp_path), "--json"]) == 0
    (row,) = json.loads(capfd.readouterr().out)
    assert (row["run"], row["dataset"]) == (account["run"], "diabetes")
    assert row["formula"] == problem["short"]["formula"]
    assert row["fitness"] == problem["short"]["fitness"]
    means = {r["role"]: r["mean"] for r in problem["comparison"]["losses"]}
    assert row["test"] == means.get("short_best", means["found_best"])
    assert row["training"] == problem["training"]
    assert heliostat(["losses", "show", "last/diabetes", "--runs", str(tmp_path), "--json"]) == 0
    (shown,) = json.loads(capfd.readouterr().out)
    assert shown["implicit_rate"] > 0
    assert heliostat(["losses", "export", "last", "--runs", str(tmp_path)]) == 0
    exported = json.loads(capfd.readouterr().out)
    assert exported["loss"] == problem["short"]["loss"]
    assert exported["training"] == problem["training"]
    from heliostat_methods.evomal import found_loss

    module = found_loss(f"run:{account['run']}", tmp_path)
    assert module.expression.to_dict() == problem["short"]["loss"]


def test_a_file_that_cannot_be_written_is_a_storage_error(losses: Any, tmp_path: Path) -> None:
    done = losses("export", "later", "-o", tmp_path / "nowhere" / "loss.json")
    assert done.code == 5
    assert "cannot write" in done.err


@pytest.mark.parametrize("arguments", [["losses", "--help"], ["losses", "compare", "--help"],
                                       ["losses", "list", "--runs", "nowhere"]])  # fmt: skip
def test_help_and_an_empty_list_load_no_numerical_library(
    python: Any, arguments: list[str]
) -> None:
    done = python(
        "-c",
        "import sys\nfrom heliostat.cli.main import run\n"
        f"code = run({arguments!r})\n"
        "print([m for m in ('torch', 'numba', 'ray', 'deap') if m in sys.modules], code)",
    )
    assert done.stdout.splitlines()[-1] == "[] 0", done.stdout + done.stderr
