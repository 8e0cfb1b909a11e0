"""A tutorial page as a Jupyter notebook beside it: `python docs/site/notebook.py docs/tutorials/python.md`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

_CODE = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def notebook(page: str) -> str:
    """The notebook of a page: a cell for each block of Python, one for the text between."""
    cells = []
    for place, text in enumerate(_CODE.split(page)):
        lines = text.strip().splitlines(keepends=True)
        code = {"cell_type": "code", "execution_count": None, "outputs": []}
        about = code if place % 2 else {"cell_type": "markdown"}
        if lines:
            cells.append({**about, "id": f"cell-{len(cells)}", "metadata": {}, "source": lines})
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).with_suffix(".ipynb").write_text(notebook(Path(name).read_text("utf-8")), "utf-8")
