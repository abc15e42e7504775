"""What each release has left in a directory and in a database, so that later ones are tested with it.

`python -m tests.releases` keeps something of everything for the release at hand, in a folder named for its version: the
directory, the database as statements of SQL, and for both the records that a copy would move.
"""
