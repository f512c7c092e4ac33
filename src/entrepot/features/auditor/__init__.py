"""The auditor: it looks whether rows and bytes are what they have to be (designs/audit.md).

Not ``audit``, which is the record of what principals have done.
"""
