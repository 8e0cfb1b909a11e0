"""Zenoh: the router lives in the edge's process, devices connect to it by TCP.

Multicast scouting is off, so that only the named router is used. Shared memory is off: it would carry frames past
whatever network lies between two processes of one machine, an emulated one too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from twinsync.errors import InputError, install
from twinsync.live.bus.interface import BusError, Handler, Inbox, Permit, PresenceHandler, check

PATIENCE_MS = 3000  # for a connection to be made


class Access(msgspec.Struct, frozen=True):
    """Where the router is, and who one is: `tcp/127.0.0.1:7447`, or `tls/...` with `tls` as Zenoh's settings."""

    endpoint: str
    user: str = ""
    password: str = ""
    tls: dict[str, Any] = {}


def tls_settings(folder: Path, listens: bool) -> dict[str, str]:
    """Zenoh's settings for TLS: whom to trust, `ca.pem`, and for who listens its `edge.pem` and `edge-key.pem`."""
    trusted = {"root_ca_certificate": str(folder / "ca.pem")}
    if not listens:
        return trusted
    own = {"listen_certificate": str(folder / "edge.pem"), "listen_private_key": str(folder / "edge-key.pem")}
    return trusted | own


def router(access: Access, users: Path | None = None, permits: Mapping[str, Permit] | None = None) -> ZenohBus:
    """The bus's router, in this process. `users` is a file with a line `name:password` for each that is admitted.

    `permits` says what each of them may do; without it all may do anything, this process always may. The library logs
    what the environment's RUST_LOG asks for. Raises `BusError` where the endpoint cannot be listened on.
    """
    _library().try_init_log_from_env()
    settings: dict[str, Any] = {
        "mode": "router",
        "listen/endpoints": [access.endpoint],
        "scouting/gossip/enabled": False,
    }
    if users is not None:
        settings["transport/auth/usrpwd/dictionary_file"] = str(users)
    if permits is not None:
        settings["access_control"] = _access_control(permits)
    return ZenohBus(_open(access, settings))


def _access_control(permits: Mapping[str, Permit]) -> dict[str, Any]:
    """Zenoh's settings for what each user may do."""
    rules: list[dict[str, Any]] = []

    def rule(user: str, messages: list[str], flow: str, topics: tuple[str, ...]) -> list[str]:
        if not topics:
            return []
        name = f"{user} {messages[0]} {flow}"
        rules.append(
            {"id": name, "messages": messages, "flows": [flow], "permission": "allow", "key_exprs": list(topics)}
        )
        return [name]

    policies = [
        {
            "id": user,
            "subjects": [user],
            "rules": [
                *rule(user, ["put"], "ingress", permit.publish),
                *rule(user, ["put"], "egress", permit.hear),
                *rule(user, ["declare_subscriber"], "ingress", permit.hear),
                *rule(user, ["liveliness_token"], "ingress", permit.appear),
            ],
        }
        for user, permit in permits.items()
    ]
    subjects = [{"id": user, "usernames": [user]} for user in permits]
    return {
        "enabled": True,
        "default_permission": "deny",
        "rules": rules,
        "subjects": subjects,
        "policies": policies,
    }


def connect(access: Access) -> ZenohBus:
    """A connection to a router, made again by itself when it is cut. Raises `BusError` where there is none yet."""
    return ZenohBus(_open(access, {"mode": "client", "connect/endpoints": [access.endpoint]}))


def _open(access: Access, settings: Mapping[str, Any]) -> Any:
    zenoh = _library()
    config = zenoh.Config()
    common: dict[str, Any] = {
        "scouting/multicast/enabled": False,
        "transport/shared_memory/enabled": False,
        "connect/timeout_ms": PATIENCE_MS,
    }
    if access.user:
        common["transport/auth/usrpwd/user"] = access.user
        common["transport/auth/usrpwd/password"] = access.password
    if access.tls:
        common["transport/link/tls"] = access.tls
    for key, value in {**common, **settings}.items():
        config.insert_json5(key, json.dumps(value))
    try:
        return zenoh.open(config)
    except zenoh.ZError as error:
        who = f" as {access.user!r}" if access.user else ""
        raise BusError(f"{access.endpoint}{who}: no connection, or not admitted: {error}") from None


def _library() -> Any:
    try:
        import zenoh
    except ImportError:
        raise InputError(f"live devices need Zenoh: {install('live')}") from None
    return zenoh


class ZenohBus:
    """A Zenoh session as a bus."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._zenoh = _library()
        self._inboxes: list[Inbox] = []
        self._declared: list[Any] = []

    def publish(self, topic: str, data: bytes) -> None:
        """Send."""
        check(topic, data)
        try:
            # BLOCK: a queue that is full makes the sender wait, it does not drop.
            self._session.put(topic, data, congestion_control=self._zenoh.CongestionControl.BLOCK, express=True)
        except self._zenoh.ZError as error:
            raise BusError(f"{topic}: {error}") from None

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Call the handler for what is published from now on."""
        inbox = self._inbox(handler)
        self._declared.append(
            self._session.declare_subscriber(
                pattern, lambda sample: inbox.put(str(sample.key_expr), bytes(sample.payload))
            )
        )

    def appear(self, topic: str) -> None:
        """Be present."""
        self._declared.append(self._session.liveliness().declare_token(topic))

    def watch(self, pattern: str, handler: PresenceHandler) -> None:
        """Call the handler for who comes and goes."""
        inbox, put = self._inbox(handler), self._zenoh.SampleKind.PUT
        self._declared.append(
            self._session.liveliness().declare_subscriber(
                pattern, lambda sample: inbox.put(str(sample.key_expr), sample.kind == put), history=True
            )
        )

    def close(self) -> None:
        """Leave."""
        for inbox in self._inboxes:
            inbox.close()
        self._session.close()

    def _inbox(self, handler: Handler | PresenceHandler) -> Inbox:
        inbox = Inbox(handler)
        self._inboxes.append(inbox)
        return inbox
