"""A user's mistake ends with exit code 2 and a message that names field, value and a way out."""

from pathlib import Path

import pytest

from heliostat.cli.main import run

SMOKE = ["run", "evomal", "--preset", "smoke", "--workers", "serial"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [f"{i},{i % 7},{2 * i}" for i in range(40)]
    (tmp_path / "good.csv").write_text("\n".join(["age,dose,effect", *rows]))
    (tmp_path / "gap.csv").write_text("\n".join(["age,dose,effect", *rows, "41,nan,82"]))
    (tmp_path / "one_class.csv").write_text(
        "\n".join(["age,kind", *(f"{i},cat" for i in range(40))])
    )
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["-o", "popluation=5"], ["popluation", "did you mean 'population'"]),
        (["-o", "population=many"], ["population = 'many'", "integer"]),
        (["-o", "population=2"], ["population = 2", "tournament = 3"]),
        (["-o", "crossover=0.9"], ["crossover = 0.9", "mutation = 0.25"]),
        (["-o", "crossover=1.5"], ["crossover = 1.5", "less than or equal to 1"]),
        (["-o", "init_min=5"], ["init_min = 5", "init_max = 4"]),
        (["-o", "max_height=3"], ["init_max = 4", "max_height = 3"]),
        (["-o", "loss=msee"], ["loss = 'msee'", "did you mean 'mse'"]),
        (["-o", "loss=cross_entropy"], ["loss = 'cross_entropy'", "regression"]),
        (["-o", "loss={name='focal', gama=2}"], ["loss.gama", "did you mean 'gamma'"]),
        (["-o", "model=lenet5"], ["model = 'lenet5'", "28 x 28", "mlp any shape"]),
        (["-o", "baseline=ml4"], ["baseline = 'ml4'", "did you mean 'ml3'"]),
        (["-o", "islands=4"], ["islands = 4", "divisor of population = 6"]),
        (["-o", "islands=3"], ["islands = 3", "at most 2"]),
        (["-o", "elite=7"], ["elite = 7", "an island's trees"]),
        (["-o", "rate_drops=[[60, 0.1]]"], ["rate_drops = ((60, 0.1),)", "test_steps = 60"]),
        (["-o", "rate_drops=[[5, -1]]"], ["rate_drops = ((5, -1.0),)", "a factor above 0"]),
        (["-o", "learning_rate=inf"], ["learning_rate = inf", "finite number"]),
        (["-o", "weight_decay=inf"], ["weight_decay = inf", "finite number"]),
        (["-o", "rate_drops=[[5, inf]]"], ["rate_drops.0.1 = inf", "finite number"]),
        (["-o", "racing=[50, 20]"], ["racing = (50, 20)", "increasing", "base_steps = 30"]),
        (["-o", "racing=[30]"], ["racing = (30,)", "below base_steps = 30"]),
        (["-o", "inner_steps=0"], ["inner_steps = 0", "greater than or equal to 1"]),
        (["-o", "cache=gradients"], ["cache = 'gradients'", "did you mean 'gradient'"]),
        (["-o", "reject=never"], ["reject = 'never'", "early"]),
        (["-o", "references=focal"], ["references[0] = 'focal'", "regression"]),
        (["-o", 'datasets=["diabetes", "wine"]', "-o", "together=true"], ["together", "one kind"]),
        (["-o", 'datasets=["wine", "wine"]'], ["datasets", "different names"]),
        (["-o", 'transfer=[{dataset="wine"}]'], ["transfer[0].dataset", "regression"]),
        (["-o", 'transfer=[{dataset="wien"}]'], ["transfer[0].dataset", "did you mean 'wine'"]),
        (["-o", 'study={datasets=["diabetes"], models=[]}'], ["study.models", "at least 1"]),
        (
            ["-o", 'study={datasets=["diabetes"], models=["mpl"]}'],
            ["study.models[0] = 'mpl'", "did you mean 'mlp'"],
        ),
        (
            ["-o", 'study={datasets=["wine", "wine"], models=["mlp"]}'],
            ["study.datasets", "each name once"],
        ),
        (
            ["-o", 'study={datasets=["wine"], models=["mlp"], baselines=["ml3", "ml3"]}'],
            ["study.baselines", "each name once"],
        ),
        (
            ["-o", 'study={datasets=["wine"], models=["mlp"], protocols=[{dataset="wien"}]}'],
            ["study.protocols[0].dataset = 'wien'", "did you mean 'wine'"],
        ),
        (
            ["-o", 'study={datasets=["wine"], models=["mlp"], protocols=[{population=2}]}'],
            ["study.protocols: population = 2", "wine x mlp", "tournament = 3"],
        ),
        (
            ["-o", 'study={datasets=["wine"], models=["mlp"], baselines=["fixed"]}'],
            ["study.baselines = 'fixed'", "initial"],
        ),
        (
            ["-o", 'study={datasets=["wine"], models=["mlp"]}', "-o", "loss=focal"],
            ["loss = 'focal'", "with a study"],
        ),
        (
            [
                "-o",
                'datasets=["wine", "breast_cancer"]',
                "-o",
                "together=true",
                "-o",
                "baseline=ml3",
            ],
            ["together = True", "ml3"],
        ),
        (["-o", "datasets=digist"], ["datasets[0] = 'digist'", "did you mean 'digits'"]),
        (["-o", "datasets=csv:goood.csv"], ["goood.csv", "good.csv"]),
        (["-o", "datasets={name='csv:good.csv', target='efect'}"], ["'efect'", "'effect'"]),
        (
            ["-o", "datasets={name='csv:gap.csv', missing='error'}"],
            ["gap.csv", "line 42", "'dose'", "empty"],
        ),
        (["-o", "datasets={name='csv:good.csv', encode={doze='drop'}}"], ["'doze'", "'dose'"]),
        (["-o", "datasets=csv:one_class.csv"], ["one_class.csv", "kind", "two classes"]),
        (["-o", "fractions=[0.8, 0.0, 0.2]"], ["fractions", "valid", "0.0"]),
        (["-o", 'initial=["square(sub(y, g))"]'], ["initial[0]", "unknown primitive 'g'"]),
        (["-o", 'initial=["square(y)"]'], ["initial[0]", "f"]),
        (["-o", "loss=run:20000101"], ["loss = 'run:20000101'", "no run"]),
        (["--seed", "-1"], ["seed = -1", "non-negative"]),
        (["--workers", "two"], ["--workers = 'two'", "serial"]),
    ],
)
def test_mistake_is_named_and_nothing_is_left_behind(
    arguments: list[str], parts: list[str], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([*SMOKE, *arguments]) == 2
    said = capfd.readouterr().err
    for part in parts:
        assert part in said
    assert "Traceback" not in said
    assert list(folder.glob("runs/*")) == []


def test_unknown_preset_and_method_name_the_nearest(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", "evomal", "--preset", "smke"]) == 2
    assert "did you mean 'smoke'" in capfd.readouterr().err
    assert run(["run", "evoml"]) == 2
    assert "did you mean 'evomal'" in capfd.readouterr().err


def test_file_with_a_misspelt_field_is_named(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "job.toml").write_text('method = "evomal"\n[config]\ngeneratons = 3\n')
    assert run(["run", "job.toml"]) == 2
    said = capfd.readouterr().err
    assert "job.toml" in said
    assert "did you mean 'generations'" in said
