"""The long proof that tenants are kept apart: run, written down, and signed, for others to check."""
