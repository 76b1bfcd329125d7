"""The embedded servers: each one for real, in folders of their own."""
