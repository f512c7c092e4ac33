"""The metadata database: the authority on what exists. SQLite or PostgreSQL behind one port."""
