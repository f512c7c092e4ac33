"""Pull-through cache rules: which prefixes stand for which upstream registries. Nothing is imported yet."""
