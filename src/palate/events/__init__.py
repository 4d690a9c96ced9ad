"""What people did: schema, log, collector."""
