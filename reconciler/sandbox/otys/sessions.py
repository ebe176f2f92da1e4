"""Knows how a key becomes a session, how long that lives and how it dies (facts/otys.md, 2)."""

import hashlib
from datetime import datetime, timedelta

from reconciler.sandbox.otys.errors import session_expired, session_missing
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.state import OtysState, Session


def log_in_with_key(state: OtysState, key: Json, now: datetime) -> Json:
    """Given an API key, return a new session id, or False (not an error) for a wrong key."""
    if key != state.api_key or state.key_revoked:
        return False
    return _open(state, now)


def log_in_with_password(state: OtysState, user: Json, password: Json, now: datetime) -> Json:
    """Given a user name and a password, return a new session id, or False if they are wrong."""
    if (user, password) != (state.user_name, state.password) or state.key_revoked:
        return False
    return _open(state, now)


def require_session(state: OtysState, session_id: Json, now: datetime) -> None:
    """Given a session id, return if it lives. Raise OtysRefusal with the text of its death if not."""
    session = state.sessions.get(session_id) if isinstance(session_id, str) else None
    if session is None:
        raise session_missing()
    if session.ended or now - session.opened >= timedelta(hours=state.switches.session_hours):
        session.ended = True
        raise session_expired()


def end(state: OtysState, session_id: Json) -> None:
    """Given a session id, end it; an unknown one is fine."""
    if isinstance(session_id, str) and session_id in state.sessions:
        state.sessions[session_id].ended = True


def end_all(state: OtysState) -> None:
    """Given a tenant, end every session it has."""
    for session in state.sessions.values():
        session.ended = True


def describe_user(state: OtysState) -> Json:
    """Given a tenant, return what `check` says about the key's user."""
    return {
        "id": 12,
        "clientId": state.client_id,
        "client": state.client_name,
        "partnerId": state.partner_id,
        "defaultContentLanguage": "nl",
        "originalUser": None,
    }


def _open(state: OtysState, now: datetime) -> str:
    number = state.take_number()
    session_id = hashlib.blake2b(f"session {number}".encode(), digest_size=16).hexdigest()
    state.sessions[session_id] = Session(opened=now)
    return session_id
