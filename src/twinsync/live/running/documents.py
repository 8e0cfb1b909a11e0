"""What the store keeps of a twin's revision, as JSON."""

from __future__ import annotations

import base64
from typing import Any

import msgspec


class Camera(msgspec.Struct):
    """A camera's feature: a stream with its reference, -1 for none; the slot's desired state and what was applied."""

    reference: int
    stream: str
    desiredProperties: Any = None
    properties: Any = None

    @property
    def coded(self) -> bytes:
        """The stream's bytes."""
        return base64.b64decode(self.stream)


class _Features(msgspec.Struct):
    camera: Camera


class _Document(msgspec.Struct):
    features: _Features


def camera_document(reference: int, stream: bytes, desired: Any, applied: Any) -> bytes:
    """The document of a revision."""
    camera = Camera(reference, base64.b64encode(stream).decode("ascii"), desired, applied)
    return msgspec.json.encode(_Document(_Features(camera)))


def stored_camera(document: bytes) -> Camera:
    """What a document holds. Raises `ValueError` for one that is not of a camera."""
    try:
        return msgspec.json.decode(document, type=_Document).features.camera
    except msgspec.DecodeError as error:
        raise ValueError(f"no camera's document: {error}") from None
