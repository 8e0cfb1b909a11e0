"""What an end holds of a twin: contexts by revision."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar, runtime_checkable

from twinsync.codec.container import MissingReference

KEPT = 32  # revisions that an end keeps, the newest


@runtime_checkable
class Revised(Protocol):
    """What a later sample can be coded against."""

    @property
    def revision(self) -> int:
        """Its number."""
        ...


ContextT = TypeVar("ContextT", bound=Revised)


class Twin(Generic[ContextT]):
    """Contexts by revision, the newest `KEPT` of them."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[int, ContextT] = OrderedDict()

    def keep(self, context: ContextT) -> None:
        """Take the context of a new revision."""
        self._contexts[context.revision] = context
        while len(self._contexts) > KEPT:
            self._contexts.popitem(last=False)

    def at(self, revision: int) -> ContextT:
        """The context of a revision. Raises `MissingReference`."""
        if revision not in self._contexts:
            raise MissingReference(revision, self.revisions)
        return self._contexts[revision]

    @property
    def newest(self) -> ContextT:
        """The context of the newest revision. Raises `MissingReference` where none is held."""
        return self.at(max(self._contexts, default=-1))

    @property
    def revisions(self) -> tuple[int, ...]:
        """Revisions held, oldest first."""
        return tuple(self._contexts)
