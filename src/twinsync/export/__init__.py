"""Export: one seed's policy of a training run as one file for NumPy or ONNX Runtime."""

from twinsync.export.run import Exported, export_run

__all__ = ["Exported", "export_run"]
