"""What a run keeps of each slot: what the model predicted beside what was measured, one JSON line a slot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from twinsync.errors import InputError
from twinsync.live.protocol.messages import Allocation
from twinsync.live.store.interface import TwinStore
from twinsync.writing import end_line


class Parts(msgspec.Struct, frozen=True):
    """The parts of a synchronisation [s]: eqs. (5), (8), (12), (14)."""

    sensing_s: float
    extraction_s: float
    uplink_s: float
    recovery_s: float

    @property
    def total_s(self) -> float:
        """All of them."""
        return self.sensing_s + self.extraction_s + self.uplink_s + self.recovery_s

    @property
    def t_dt_s(self) -> float:
        """Eq. (15): all but sensing."""
        return self.extraction_s + self.uplink_s + self.recovery_s


class Synchronisation(msgspec.Struct, frozen=True):
    """One device in one slot.

    allocation: what the edge granted. applied_factor: phi of what was sent, at most the granted one.
    kind: of the sensor, which says what `fidelity_db` is: PSNR of a picture, 1 / NMSE of a window.
    predicted: what the model says of the allocation with that phi.
    overhead_s: from the slot's opening to the recovered state, less the measured parts: what the model has no term for.
    fidelity_db, stale_db: of what was recovered, and of the state before it, to the sample; None if coded alone.
    distance_m, data_bits, twin_db: what the device reported before the decision; twin_db is the fidelity of the state
    that its frame builds on [dB], 0 without one, None where it is not recorded.
    energy_j: metered cycles times kappa f^2, the airtime times p, the sensing energy; modelled, not measured.
    """

    outcome: str
    allocation: Allocation | None = None
    applied_factor: float | None = None
    predicted: Parts | None = None
    measured: Parts | None = None
    overhead_s: float | None = None
    commit_s: float | None = None
    predicted_energy_j: float | None = None
    energy_j: float | None = None
    fidelity_db: float | None = None
    bits: int | None = None
    alone: bool | None = None
    distance_m: float | None = None
    data_bits: float | None = None
    extraction_cycles: float | None = None
    recovery_cycles: float | None = None
    kind: str = "camera"
    twin_db: float | None = None
    stale_db: float | None = None


class SlotRecord(msgspec.Struct, frozen=True):
    """One slot of the cell; `decision_s`: how long the allocator took; `allocator`: who decided, empty before any."""

    slot: int
    edge: int
    decision_s: float | None
    devices: dict[str, Synchronisation]
    allocator: str = ""


def newest_slot(path: Path, store: TwinStore) -> int:
    """The newest slot that a run's file or its store knows, -1 for none. Raises `InputError`, `StoreError`."""
    stored = (kept.slot for kept in store.newest().values())
    return max((*stored, *(record.slot for record in read(path))), default=-1)


def append(path: Path, record: SlotRecord) -> None:
    """Add a slot to a run's file. Raises `OSError` where that cannot be written."""
    with path.open("ab+") as file:
        end_line(file)
        file.write(msgspec.json.encode(record) + b"\n")


def read(path: Path) -> Iterator[SlotRecord]:
    """The slots of a run, in the order written. A line that an edge did not finish before it died is left out.

    Raises `InputError` with the line for JSON that is no slot's record.
    """
    decoder = msgspec.json.Decoder(SlotRecord)
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            yield decoder.decode(line)
        except msgspec.ValidationError as error:
            # Earlier releases wrote the next slot right after what was left of a line.
            if line.count(b'{"slot"') < 2:
                raise InputError(f"{path}: line {number}: {error}") from None
        except msgspec.DecodeError:
            continue
