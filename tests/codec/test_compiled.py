"""The cache of compiled inner loops: what nothing has used for long is deleted."""

import os
import time
from pathlib import Path

from twinsync.codec.compiled import UNUSED_DAYS, remove_unused


def test_machine_code_that_nothing_used_for_long_is_deleted(tmp_path: Path) -> None:
    ages = {"codec-old": UNUSED_DAYS + 1, "codec-recent": UNUSED_DAYS - 1, "programs": UNUSED_DAYS + 1}
    for name, days in ages.items():
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "inner" / "code.nbc").write_bytes(b"code")
        used = time.time() - days * 86_400
        os.utime(tmp_path / name, (used, used))
    remove_unused(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"codec-recent", "programs"}
