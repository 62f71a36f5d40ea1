"""Adapters that come with domainqa: a registry folder that is only read."""
