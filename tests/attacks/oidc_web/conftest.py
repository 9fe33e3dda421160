from tests.unit.web.site_fixtures import certs_dir, oidc

__all__ = ["certs_dir", "oidc"]
