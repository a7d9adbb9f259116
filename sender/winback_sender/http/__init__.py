"""Calls of providers that say whether the request has left."""
