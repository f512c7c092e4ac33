"""A registry's own settings: account settings, its documents, principals whose pulls are not recorded."""
