"""Where bytes live: online store, object store, registry database."""
