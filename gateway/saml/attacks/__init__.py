"""Attacks on a SAML connection, made of one genuine response and without the identity provider's key.

Loaded only when an administrator attacks his own connection, and by the tests of the verifier, whose corpus is made of
the same changes.
"""
