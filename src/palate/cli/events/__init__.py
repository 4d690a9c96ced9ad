"""`palate events`: look at the log, count it, post to it."""
