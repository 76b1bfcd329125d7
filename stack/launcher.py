"""What every launcher can do."""

from abc import ABC, abstractmethod

from stack.process import Process


class Launcher(ABC):
    """One embedded server: start it, wait for it, stop it, and say by which variables it is reached."""

    process: Process

    @abstractmethod
    def start(self) -> None:
        """Start the server and return at once."""

    @abstractmethod
    def wait_ready(self) -> None:
        """Return when the server does its work. Raises StackError when it does not."""

    @abstractmethod
    def env(self) -> dict[str, str]:
        """Return the standard variables by which the server is reached."""

    def stop(self) -> None:
        """Stop the server and all that it started."""
        self.process.stop()
