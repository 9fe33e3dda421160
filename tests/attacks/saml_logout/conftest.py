from tests.unit.web.site_fixtures import browser, certs_dir, site

__all__ = ["browser", "certs_dir", "site"]
