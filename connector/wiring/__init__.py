"""The only package that knows every adapter: builds the object graph of the settings. It decides nothing."""

from connector.wiring.accounts import Accounts, Login
from connector.wiring.app import App, mirror_exists

__all__ = ["App", "Accounts", "Login", "mirror_exists"]
