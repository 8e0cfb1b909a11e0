"""What the store keeps of a twin's revision, as JSON: a feature named after the kind of sensor."""

from __future__ import annotations

import base64
from typing import Any

import msgspec


class Feature(msgspec.Struct):
    """A sensor's feature: a stream with its reference, -1 for none; the slot's desired state and what was applied."""

    reference: int
    stream: str
    desiredProperties: Any = None
    properties: Any = None

    @property
    def coded(self) -> bytes:
        """The stream's bytes."""
        return base64.b64decode(self.stream)


class _Document(msgspec.Struct):
    features: dict[str, Feature]


def document(kind: str, reference: int, stream: bytes, desired: Any, applied: Any) -> bytes:
    """The document of a revision."""
    feature = Feature(reference, base64.b64encode(stream).decode("ascii"), desired, applied)
    return msgspec.json.encode(_Document({kind: feature}))


def stored_feature(content: bytes) -> Feature:
    """The feature that a document holds. Raises `ValueError` for one that is not of a sensor."""
    try:
        features = msgspec.json.decode(content, type=_Document).features
    except msgspec.DecodeError as error:
        raise ValueError(f"no sensor's document: {error}") from None
    if len(features) != 1:
        raise ValueError(f"a document of {len(features)} features; a sensor's has one")
    return next(iter(features.values()))
