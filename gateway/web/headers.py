"""Security headers, the same on every page of the browser edge."""

from collections.abc import Iterable

from werkzeug.datastructures import Headers

_YEAR_S = 31_536_000


def content_security_policy(form_targets: Iterable[str] = ()) -> str:
    """No inline script, no inline style, nothing from elsewhere. `form_targets` are further origins for forms."""
    form_action = " ".join(["'self'", *form_targets])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action {form_action}"
    )


def add_security_headers(headers: Headers, *, secure: bool, form_targets: Iterable[str], static: bool) -> None:
    """Pages are personal and never stored; static files are public and may be.

    The referrer stays within our origin: form tokens need it on no hop, and other sites must not see our URLs.
    """
    headers.setdefault("Content-Security-Policy", content_security_policy(form_targets))
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    if secure:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}; includeSubDomains"
    if static:
        headers["Cache-Control"] = "public, max-age=3600"
    elif "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
