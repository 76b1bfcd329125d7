"""Background work: PostgreSQL is the ledger, Redis and RQ are the bell."""
