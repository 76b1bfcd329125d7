"""Mailed links: each for one purpose, one person and one use, and for an hour.

The token is random, and only its hash is kept. Kind and tenant are part of what is hashed, so a token is good in no
other place than the one it was made for.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from app.accounts import opaque
from app.accounts.errors import LinkSpent
from app.accounts.models import OneTimeToken, UserAccount
from tenants.context import Ctx

LASTS = timedelta(hours=1)
# The link in an invitation lasts as long as any other; whoever comes later has a new one mailed, for so long.
INVITATION_STANDS = timedelta(days=7)
_KINDS = {"verify": opaque.VERIFY, "reset": opaque.RESET, "invite": opaque.INVITE}


def issue(ctx: Ctx, *, user_id: UUID, purpose: str) -> str:
    """Return a fresh token for `purpose`; earlier ones of the same person and purpose end."""
    withdraw(ctx, user_id=user_id, purpose=purpose)
    token = opaque.mint(_KINDS[purpose], ctx.tenant.id)
    ctx.db.add(
        OneTimeToken(
            user_id=user_id,
            purpose=purpose,
            token_hash=opaque.digest(token),
            created_at=ctx.now,
            expires_at=ctx.now + LASTS,
        )
    )
    ctx.db.flush()
    return token


def withdraw(ctx: Ctx, *, user_id: UUID, purpose: str) -> None:
    """End the person's unused links of `purpose`."""
    ctx.db.execute(
        update(OneTimeToken)
        .where(
            OneTimeToken.tenant_id == ctx.tenant.id,
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
        )
        .values(used_at=ctx.now),
        execution_options={"synchronize_session": False},
    )


def tenant_of(purpose: str, token: str) -> UUID | None:
    """Return the tenant that a token for `purpose` names, or None when it is none."""
    return opaque.tenant_of(_KINDS[purpose], token)


def find_user(ctx: Ctx, *, purpose: str, token: str, stale: bool = False) -> UserAccount | None:
    """Return whose unused link this is, without using it. `stale`: its hour may be over."""
    if tenant_of(purpose, token) != ctx.tenant.id:
        return None
    query = (
        select(UserAccount)
        .join(
            OneTimeToken,
            (OneTimeToken.tenant_id == UserAccount.tenant_id) & (OneTimeToken.user_id == UserAccount.id),
        )
        .where(
            OneTimeToken.token_hash == opaque.digest(token),
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
        )
    )
    if not stale:
        query = query.where(OneTimeToken.expires_at > ctx.now)
    return ctx.db.scalars(query).one_or_none()


def use(ctx: Ctx, *, purpose: str, token: str) -> UUID:
    """Use the link up and return whose it is.

    Raises LinkSpent when it was used, is too old, or is no such link; of two at once one gets it.
    """
    user_id: UUID | None = None
    if tenant_of(purpose, token) == ctx.tenant.id:
        user_id = ctx.db.execute(
            update(OneTimeToken)
            .where(
                OneTimeToken.tenant_id == ctx.tenant.id,
                OneTimeToken.token_hash == opaque.digest(token),
                OneTimeToken.purpose == purpose,
                OneTimeToken.used_at.is_(None),
                OneTimeToken.expires_at > ctx.now,
            )
            .values(used_at=ctx.now)
            .returning(OneTimeToken.user_id),
            execution_options={"synchronize_session": False},
        ).scalar_one_or_none()
    if user_id is None:
        raise LinkSpent("A link works for one hour, once. Ask for a new one.")
    return user_id
