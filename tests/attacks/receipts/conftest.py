from tests.unit.web.site_fixtures import certs_dir, site

__all__ = ["certs_dir", "site"]
