"""A client of a running registry: signed requests over HTTP, with nothing but the standard library's ``http``."""
