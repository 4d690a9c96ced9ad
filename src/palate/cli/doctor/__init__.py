"""`palate doctor`: is this machine, and what lies under home, in order?"""
