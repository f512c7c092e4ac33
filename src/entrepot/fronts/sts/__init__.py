"""STS: GetCallerIdentity, AssumeRole and their kin."""
