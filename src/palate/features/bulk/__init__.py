"""Much of a log becomes state at once: sorted by person as columns, written person by person."""
