"""Service quotas: how often an operation may be called, how many repositories and images there may be."""
