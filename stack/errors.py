"""What can go wrong while the servers start, as one sentence for the person at the keyboard."""


class StackError(Exception):
    """Say in one sentence why the servers cannot run."""
