from tests.unit.web.site_fixtures import browser, certs_dir, oidc, site

__all__ = ["browser", "certs_dir", "oidc", "site"]
