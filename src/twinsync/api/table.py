"""Tables without a library: a list of records that prints in columns, and becomes a data frame where pandas is."""

from __future__ import annotations

from typing import Any

from twinsync.errors import InputError


class Table(list[dict[str, Any]]):
    """Records, one dict a row, all with the same keys. `str` of it is the table in columns."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self[0]) if self else []

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        return [row[name] for row in self]

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`. Raises `InputError` where pandas is not installed."""
        try:
            import pandas  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError:
            raise InputError(
                "pandas is not installed; pip install pandas, or use the records, a list of dicts"
            ) from None
        return pandas.DataFrame(list(self))

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
