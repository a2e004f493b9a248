"""A PrestaShop webservice to play with: real HTTP, seeded data, the dialects of 1.6.1, 1.7.8, 8.2 and 9.0.

    from connector.sandbox.shop import Misbehave, SandboxShop

    shop = SandboxShop(version="8.2.1", orders=200, seed=1)
    with shop.serve() as server:
        ...  # talk to server.url + "/api/" with shop.full_key

It is a stand-in for tests and the demo. It is not PrestaShop: no front office, no back office, no modules, and of the
webservice only the resources that `definitions.toml` describes have rows.
"""

from connector.sandbox.shop.dialect import Dialect
from connector.sandbox.shop.faults import Misbehave
from connector.sandbox.shop.server import ShopServer
from connector.sandbox.shop.service import LIKE_GENUINE, ServiceTime
from connector.sandbox.shop.shop import SandboxShop
from connector.sandbox.shop.world import Key, RequestLog, SentMail, permissions

#: One version per dialect, oldest first: what tests run through.
VERSIONS = ("1.6.1.24", "1.7.8.11", "8.2.1", "9.0.0")

__all__ = [
    "SandboxShop",
    "Misbehave",
    "ShopServer",
    "SentMail",
    "RequestLog",
    "Key",
    "permissions",
    "Dialect",
    "ServiceTime",
    "LIKE_GENUINE",
    "VERSIONS",
]
