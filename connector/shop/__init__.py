"""Adapter: the PrestaShop webservice of one shop. `client.ShopClient` is the only name that other packages need."""

from connector.shop.client import ShopClient

__all__ = ["ShopClient"]
