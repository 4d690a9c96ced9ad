"""`palate demo`: from data to served recommendations in one command."""
