from tests.wire.conftest import authority, company

__all__ = ["authority", "company"]
