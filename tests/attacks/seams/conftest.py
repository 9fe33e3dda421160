from tests.unit.web.site_fixtures import browser, certs_dir, oidc, site
from tests.wire.conftest import authority, company

__all__ = ["authority", "browser", "certs_dir", "company", "oidc", "site"]
