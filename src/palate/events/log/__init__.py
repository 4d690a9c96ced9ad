"""The event log: port and adapters."""
