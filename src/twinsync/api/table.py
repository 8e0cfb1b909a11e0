"""Tables without dependencies: lists of records that print in columns and convert to pandas if it is installed."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twinsync.errors import InputError
from twinsync.writing import whole_file


class Table(list[dict[str, Any]]):
    """A list of records, one dict per row, all with the same keys. `str` gives the table in aligned columns."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self[0]) if self else []

    def column(self, name: str) -> list[Any]:
        """The values of one column. Raises `KeyError` for an unknown one."""
        return [row[name] for row in self]

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`. Raises `InputError` if pandas is not installed."""
        try:
            import pandas  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError:
            raise InputError(
                "pandas is not installed; pip install pandas, or use the records, a list of dicts"
            ) from None
        return pandas.DataFrame(list(self))

    def write(self, path: str | Path) -> None:
        """Write the table as `.csv`, or as `.parquet`, which needs pandas and pyarrow.

        Raises `InputError` for another suffix, if these are missing, or if the file cannot be written.
        """
        path = Path(path)
        if path.suffix not in (".csv", ".parquet"):
            raise InputError(f"{path}: a table is a file in .csv or .parquet")
        if path.suffix == ".parquet" and (find_spec("pandas") is None or find_spec("pyarrow") is None):
            raise InputError(f"{path}: .parquet needs pandas and pyarrow: pip install pandas pyarrow; or choose .csv")
        try:
            with whole_file(path) as partial:
                if path.suffix == ".parquet":
                    self.to_pandas().to_parquet(partial)
                else:
                    with partial.open("w", newline="", encoding="utf-8") as file:
                        writer = csv.DictWriter(file, self.columns)
                        writer.writeheader()
                        writer.writerows(self)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}; choose another place") from None

    def __str__(self) -> str:
        rows = [self.columns, *([_text(row[name]) for name in self.columns] for row in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        # Names to the left, numbers to the right.
        numbers = [bool(self) and not isinstance(self[0][name], str) for name in self.columns]
        lines = (
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, numbers, strict=True)
            ).rstrip()
            for row in rows
        )
        return "\n".join(lines)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
