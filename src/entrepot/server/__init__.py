"""The process: settings, wiring, the life of a request, the background worker."""
