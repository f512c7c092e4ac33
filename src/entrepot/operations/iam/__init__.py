"""IAM's operations: users, roles, access keys, policies, identity providers, accounts; one word a module.

Each asks by itself whether the caller may, once it knows the ARN: that of a user or a role holds its path, which
only its row knows. Whoever may not is told so before learning whether the name exists.
"""
