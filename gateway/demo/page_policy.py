"""What the pages of the demo company's identity provider may load, and where their forms may lead."""


def page_policy(form_target: str = "") -> str:
    """`form_target`: further places that a form may lead to, the redirects that follow it included."""
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {form_target}".strip()
    )
