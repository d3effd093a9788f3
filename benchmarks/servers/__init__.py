"""Database and Redis servers that live as long as a run: started from the system's packages, on free ports of
127.0.0.1, in a directory that is gone afterwards.
"""
