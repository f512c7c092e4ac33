"""IAM: users, roles, access keys, policies, identity providers; a file a word of the API."""
