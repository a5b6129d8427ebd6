"""Cells of a book that would be passed over or read as something else, and how they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliostat.errors import DataError
from heliostat_methods.step_options.book.pricing import BadRow, price_rows
from heliostat_methods.step_options.book.rows import read_book
from heliostat_methods.step_options.book.terms import BookSettings

HEAD = "id,desk,quantity,kind,spot,strike,rate,vol,maturity,barriers,rates"
ROW = "x,eq,2,call,100,100,0.05,0.3,1,90,5;0"


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "book.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refusal(
    tmp_path: Path, row: str, more: str = "", settings: BookSettings | None = None
) -> BadRow:
    (problem,) = price_rows(read_book(written(tmp_path, HEAD + more, row)), settings).problems
    return problem


def test_a_row_that_lacks_a_cell_is_not_moved_into_the_place_of_a_carried_column(
    tmp_path: Path,
) -> None:
    # without `book` the columns are as many as the cells of a row that lacks one
    head, row = "spot,kind,strike,vol,maturity,barriers,rates,book", "100,call,95,0.3,1,90,5;0,a"
    rows = read_book(written(tmp_path, head, row, "100,call,95,0.3,1,90,5;0"))
    found = price_rows(rows.part(0, 2))
    assert found.lines == (2,)
    (problem,) = found.problems
    assert (problem.line, problem.field) == (3, "row")
    assert problem.message == "7 cells, the header has 8"


def test_what_is_carried_along_makes_no_other_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from heliostat_methods.step_options.book import pricing

    asked: list[int] = []
    together = pricing.price_together

    def counting(contracts: list[object], greeks: bool) -> object:
        asked.append(len(contracts))
        return together(contracts, greeks)  # type: ignore[arg-type]

    monkeypatch.setattr(pricing, "price_together", counting)
    rows = read_book(written(tmp_path, HEAD, ROW, ROW.replace("eq", "fx")))
    assert len(price_rows(rows).lines) == 2
    assert asked == [1]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("qty", "quantity"), ("Position", "quantity"), ("r", "rate"), ("Risk Free", "rate"),
     ("q", "dividend"), ("dividend_yield", "dividend"), ("growth", "gamma")],
)  # fmt: skip
def test_another_name_of_a_column_with_a_default_is_refused(
    name: str, meant: str, tmp_path: Path
) -> None:
    head = f"kind,spot,strike,vol,maturity,barriers,rates,{name}"
    path = written(tmp_path, head, "call,100,100,0.3,1,90,5;0,3")
    with pytest.raises(DataError, match=f"unknown column '{name}'; did you mean '{meant}'"):
        read_book(path)
    both = written(tmp_path, f"{head},{meant}", "call,100,100,0.3,1,90,5;0,3,1")
    assert read_book(both).carried == (name,)


@pytest.mark.parametrize(("mark", "shown"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_a_table_without_commas_is_told_what_parts_it(
    mark: str, shown: str, tmp_path: Path
) -> None:
    path = written(tmp_path, HEAD.replace(",", mark), ROW.replace(",", mark))
    with pytest.raises(DataError, match=f"parts its columns by {shown}"):
        read_book(path)


@pytest.mark.parametrize(
    ("cells", "more", "field", "told"),
    [
        ("1.5", ",kappa", "kappa", "nothing where v0 is empty; kappa belongs to v0"),
        ("0.4", ",beta", "beta", "nothing where form is empty"),
        ("120", ",level", "level", "nothing where form is empty"),
        ("cev,0.4,5", ",form,beta,shift", "shift", "nothing where form = cev"),
        ("cev,0.4,0.1", ",form,beta,xi", "xi", "nothing where v0 is empty, beside form"),
        ("0.09,1.5,0.06,0.4,-0.6", ",v0,kappa,theta,xi,corr", "vol", "nothing beside v0"),
        ("vols.csv", ",surface", "vol", "nothing beside surface"),
    ],
)
def test_a_cell_that_the_model_of_its_row_would_pass_over_is_refused(
    cells: str, more: str, field: str, told: str, tmp_path: Path
) -> None:
    problem = refusal(tmp_path, f"{ROW},{cells}", more)
    assert problem.field == field and told in problem.message


def test_the_model_of_a_row_is_not_mixed_with_the_configuration_s(tmp_path: Path) -> None:
    heston = "0.09,1.5,0.06,0.4,-0.6"
    rows = read_book(written(tmp_path, f"{HEAD},v0,kappa,theta,xi,corr",
                             f"{ROW.replace('0.3', '')},{heston}"))  # fmt: skip
    given = BookSettings(given={"form": "cev", "beta": "0.4"}, paths=1 << 10, steps=4)
    found = price_rows(rows, given)
    assert (found.problems, found.engines) == ((), ("mc_bridge",))
    # a part of the configuration's model may be another in a row
    one = read_book(written(tmp_path, f"{HEAD},beta", f"{ROW},1"))
    assert price_rows(one, given).column("price")[0] == pytest.approx(
        price_rows(one, BookSettings(given={"form": "cev", "beta": "1"})).column("price")[0]
    )


@pytest.mark.parametrize(
    ("cell", "written_as"),
    [('"1,000"', "1000"), ("5%", "0.05"), ('"99,5"', "99.5"), ("$ 20", "20"), ("ten", None)],
)
def test_a_number_of_another_form_is_told_how_it_is_written(
    cell: str, written_as: str | None, tmp_path: Path
) -> None:
    problem = refusal(tmp_path, ROW.replace("0.05", cell))
    assert problem.field == "rate"
    assert problem.message.endswith(f"; write {written_as}" if written_as else "a number")


@pytest.mark.parametrize("quantity", ["1e308", "-1e101"])
def test_so_many_that_no_float_holds_their_sum_are_refused(quantity: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, ROW.replace(",2,", f",{quantity},")).field == "quantity"
