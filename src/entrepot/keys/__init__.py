"""The keys that data keys are wrapped by: key management services, and the master key."""
