"""The signing configuration of a registry: whose images are to be signed when they are pushed, and with what."""
