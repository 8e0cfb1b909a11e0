"""A bus inside one process."""

from __future__ import annotations

from collections.abc import Mapping

from twinsync.live.bus.interface import BusError, Handler, Inbox, Permit, PresenceHandler, check


class LocalBroker:
    """What the connections of a process share; `users` maps names to passwords, None admits everyone.

    `permits` says what each user may do, who is not in it anything.
    """

    def __init__(self, users: Mapping[str, str] | None = None, permits: Mapping[str, Permit] | None = None) -> None:
        self._users = users
        self._permits = permits or {}
        self.inboxes: list[tuple[str, Inbox]] = []
        self.watchers: list[tuple[str, Inbox]] = []
        self.present: list[str] = []

    def connect(self, user: str = "", password: str = "") -> LocalBus:
        """A connection. Raises `BusError` for wrong credentials."""
        if self._users is not None and self._users.get(user) != password:
            raise BusError(f"user {user!r} is not admitted: wrong name or password")
        return LocalBus(self, self._permits.get(user))


class LocalBus:
    """A connection to a `LocalBroker`."""

    def __init__(self, broker: LocalBroker, permit: Permit | None = None) -> None:
        self._broker = broker
        self._permit = permit
        self._inboxes: list[Inbox] = []
        self._appeared: list[str] = []
        self._closed = False

    def publish(self, topic: str, data: bytes) -> None:
        """Send."""
        check(topic, data)
        if self._closed:
            raise BusError(f"{topic}: the connection is closed")
        if self._permit is not None and topic not in self._permit.publish:
            return
        _put(self._broker.inboxes, topic, data)

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Call the handler for what is published from now on."""
        if self._permit is not None and not any(matches(permitted, pattern) for permitted in self._permit.hear):
            return
        self._broker.inboxes.append((pattern, self._inbox(handler)))

    def appear(self, topic: str) -> None:
        """Be present."""
        if self._permit is not None and topic not in self._permit.appear:
            return
        self._appeared.append(topic)
        self._broker.present.append(topic)
        _put(self._broker.watchers, topic, True)

    def watch(self, pattern: str, handler: PresenceHandler) -> None:
        """Call the handler for who comes and goes."""
        inbox = self._inbox(handler)
        self._broker.watchers.append((pattern, inbox))
        for topic in self._broker.present:
            if matches(pattern, topic):
                inbox.put(topic, True)

    def close(self) -> None:
        """Leave."""
        self._closed = True
        for inbox in self._inboxes:
            inbox.close()
        for topic in self._appeared:
            self._broker.present.remove(topic)
            _put(self._broker.watchers, topic, False)
        self._appeared.clear()

    def _inbox(self, handler: Handler | PresenceHandler) -> Inbox:
        inbox = Inbox(handler)
        self._inboxes.append(inbox)
        return inbox


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic is one of a pattern's."""
    return topic.startswith(pattern[:-2]) if pattern.endswith("**") else topic == pattern


def _put(inboxes: list[tuple[str, Inbox]], topic: str, content: object) -> None:
    for pattern, inbox in inboxes:
        if matches(pattern, topic):
            inbox.put(topic, content)
