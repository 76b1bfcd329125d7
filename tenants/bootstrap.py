"""The database's roles, privileges and refusals: what must be true before the first migration. Run as superuser.

Idempotent; `flask tenants bootstrap` runs it and `flask tenants doctor` checks what it made.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

# Group roles (no login) and what they are for.
OWNER = "terrace_owner"  # owns every object
TENANT = "terrace_tenant"  # what every pool and dedicated role may do on the desk
CONTROL = "terrace_control"  # the control schema
PLATFORM = "terrace_platform"  # the desk across tenants
# Login roles.
MIGRATOR = "terrace_migrator"
APP = "terrace_app"
WORKER = "terrace_worker"
READER = "terrace_reader"
BACKUP = "terrace_backup"

GROUPS = (OWNER, TENANT, CONTROL, PLATFORM)
LOGINS = (MIGRATOR, APP, WORKER, READER, BACKUP)
# A backup that row security filtered would be silently incomplete, so its role passes the walls on purpose.
_OPTIONS = {
    MIGRATOR: "LOGIN INHERIT NOBYPASSRLS CREATEROLE",
    BACKUP: "LOGIN INHERIT BYPASSRLS NOCREATEROLE",
}
# May 2026 batch of fixes, and before it the leaks of planner statistics past row security (release notes).
MINIMUM_MINOR = {15: 18, 16: 14, 17: 10, 18: 4}

# Functions that read files, write large objects, stop other sessions or hold a backend.
_REVOKED = """
    lo_creat(integer) lo_create(oid) lo_from_bytea(oid,bytea) lo_get(oid) lo_get(oid,bigint,integer)
    lo_import(text) lo_import(text,oid) lo_export(oid,text) lo_open(oid,integer) lo_put(oid,bigint,bytea) lo_unlink(oid)
    loread(integer,integer) lowrite(integer,bytea)
    pg_cancel_backend(integer) pg_terminate_backend(integer,bigint)
    pg_read_file(text) pg_read_file(text,boolean) pg_read_file(text,bigint,bigint)
    pg_read_file(text,bigint,bigint,boolean)
    pg_read_binary_file(text) pg_read_binary_file(text,boolean) pg_ls_dir(text)
    pg_sleep(double_precision) pg_sleep_for(interval) pg_sleep_until(timestamptz) pg_notify(text,text)
    pg_advisory_lock(bigint) pg_advisory_lock(integer,integer) pg_advisory_lock_shared(bigint)
    pg_advisory_lock_shared(integer,integer) pg_try_advisory_lock(bigint) pg_try_advisory_lock(integer,integer)
    pg_try_advisory_lock_shared(bigint) pg_try_advisory_lock_shared(integer,integer)
"""


class OldServer(Exception):
    """The PostgreSQL server lacks security fixes that the walls rely on."""


def bootstrap(superuser_url: str, passwords: Mapping[str, str]) -> None:
    """Make the roles and take away what nobody needs. `passwords` maps login roles to their passwords.

    Raises OldServer for a server below the minimum.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        check_version(connection.info.server_version)
        for role in GROUPS:
            _ensure_role(connection, role, "NOLOGIN NOBYPASSRLS NOCREATEROLE")
        for role in LOGINS:
            _ensure_role(connection, role, _OPTIONS.get(role, "LOGIN NOINHERIT NOBYPASSRLS NOCREATEROLE"))
            if role in passwords:
                set_password = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(set_password.format(sql.Identifier(role), sql.Literal(passwords[role])))
        _memberships(connection)
        _database_rights(connection)
        _refusals(connection)


def secure_database(superuser_url: str) -> None:
    """Set the rights on the database itself, which a copy of a bootstrapped database does not take along."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        _database_rights(connection)


def check_version(server_version: int) -> None:
    """Raise OldServer unless `server_version` (as libpq numbers it, e.g. 180006) has the fixes we rely on."""
    major, minor = divmod(server_version, 10000)
    if major < min(MINIMUM_MINOR) or minor < MINIMUM_MINOR.get(major, 0):
        wanted = ", ".join(f"{a}.{b}" for a, b in MINIMUM_MINOR.items())
        raise OldServer(f"PostgreSQL {major}.{minor} lacks security fixes; use at least one of {wanted}.")


def _ensure_role(connection: psycopg.Connection, role: str, options: str) -> None:
    name = sql.Identifier(role)
    plain = "NOSUPERUSER NOCREATEDB NOREPLICATION"
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    verb = "ALTER" if exists else "CREATE"
    connection.execute(sql.SQL(f"{verb} ROLE {{}} {options} {plain}").format(name))


def _memberships(connection: psycopg.Connection) -> None:
    modern = connection.info.server_version >= 160000
    closed = " WITH INHERIT FALSE, SET TRUE" if modern else ""
    for statement in (
        f"GRANT {OWNER} TO {MIGRATOR}",
        f"GRANT {TENANT} TO {MIGRATOR} WITH ADMIN OPTION",
        f"GRANT {CONTROL} TO {APP}{closed}",
        f"GRANT {CONTROL} TO {WORKER}{closed}",
        f"GRANT {PLATFORM} TO {WORKER}{closed}",
        f"GRANT pg_read_all_data TO {BACKUP}",
    ):
        connection.execute(statement)
    # Work memory and spill limits bind at log-in, so they belong to the login roles (not to SET LOCAL).
    for role in (APP, WORKER):
        connection.execute(f"ALTER ROLE {role} SET search_path = ''")
        connection.execute(f"ALTER ROLE {role} SET work_mem = '16MB'")
        connection.execute(f"ALTER ROLE {role} SET temp_file_limit = '1GB'")


def _database_rights(connection: psycopg.Connection) -> None:
    database = sql.Identifier(connection.info.dbname)
    for text in (
        "REVOKE ALL ON DATABASE {} FROM PUBLIC",
        f"GRANT CREATE ON DATABASE {{}} TO {OWNER}",
        f"GRANT CONNECT ON DATABASE {{}} TO {', '.join(LOGINS)}",
    ):
        connection.execute(sql.SQL(text).format(database))
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")


def _refusals(connection: psycopg.Connection) -> None:
    for line in _REVOKED.split():
        function = line.replace("_precision", " precision")
        if connection.execute("SELECT to_regprocedure(%s)", (f"pg_catalog.{function}",)).fetchone() != (None,):
            connection.execute(f"REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC")
