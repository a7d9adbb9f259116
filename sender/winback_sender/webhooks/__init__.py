"""Webhooks in both directions, signed by the rules of Standard Webhooks."""
