"""What runs on an instance: it keeps the instance's key, and hands its role's credentials to the applications there.

Without a database and without Flask. `proof` is what the gateway verifies by, too.
"""
