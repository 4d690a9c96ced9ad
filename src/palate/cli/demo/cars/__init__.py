"""`palate demo cars`: a marketplace that changes while it is asked."""
