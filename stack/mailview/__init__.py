"""The mailbox of a development machine: receives, keeps and shows."""
