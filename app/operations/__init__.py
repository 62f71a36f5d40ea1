"""What commands ask of a home, by name: the same in their own process and in a server that runs on it.

Operations take and give what JSON can hold. Each is a function of a module here, known as MODULE.FUNCTION.
"""

from app.operations.values import Home, Listener, perform

__all__ = ["Home", "Listener", "perform"]
