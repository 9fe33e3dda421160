"""A site whose provider changes its keys: sign-ins by the one and the other, and what is in force."""

from dataclasses import dataclass, replace
from itertools import count

from werkzeug.test import TestResponse

from gateway.audit.receipts import Receipt, list_receipts
from gateway.directory.metadata_life import promote_document
from gateway.directory.metadata_offers import Offered, Origin, OriginKind, offer_document
from gateway.directory.provider_certificates import ProviderCertificate, certificate_rows
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.saml_providers import update_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.saml.names import user_sso_entity_id
from tests.fake_clock import NOON
from tests.metadata_documents import OLD, document, states
from tests.saml_factory import Spec, instant
from tests.unit.web.site import BASE, Browser, Site, audience, role_spec, signed

ADMIN = Origin(OriginKind.ADMINISTRATOR, "an administrator")
_ids = count()


@dataclass(slots=True)
class MetadataSite:
    site: Site
    key: str
    role: str = ""  # value of the Role attribute; empty for user SSO

    @classmethod
    def of_role_sso(cls, site: Site) -> "MetadataSite":
        (role,) = site.roles("reader")
        with site.services.store.transaction() as session:
            provider = update_saml_provider(session, site.account_id, "corp", metadata_xml=document(), now=NOON)
        return cls(site, saml_provider_key(provider.id), role)

    @classmethod
    def of_user_sso(cls, site: Site) -> "MetadataSite":
        site.user_sso(idp_initiated=True)
        with site.services.store.transaction() as session:
            set_user_sso(session, site.account_id, metadata_xml=document(), now=NOON)
        return cls(site, user_sso_key(site.account_id))

    def offer(self, xml: bytes, origin: Origin = ADMIN) -> Offered:
        with self.site.services.store.transaction() as session:
            return offer_document(session, self.key, xml, origin, self.site.clock.now())

    def promote(self) -> None:
        with self.site.services.store.transaction() as session:
            promote_document(session, self.key, by="by hand", now=self.site.clock.now())

    def states(self) -> dict[str, str]:
        with self.site.services.store.reading() as session:
            return states(session, self.key)

    def row(self, fingerprint: str) -> ProviderCertificate:
        with self.site.services.store.reading() as session:
            return next(row for row in certificate_rows(session, self.key) if row.fingerprint == fingerprint)

    def receipts(self, kind: str) -> list[Receipt]:
        with self.site.services.store.reading() as session:
            return [each for each in list_receipts(session, account_id=self.site.account_id) if each.kind == kind]

    def spec(self, **changes: object) -> Spec:
        """A response of now, with an ID of its own."""
        now, number = self.site.clock.now(), next(_ids)

        def at(seconds: int) -> str:
            from datetime import timedelta

            return instant(now + timedelta(seconds=seconds))

        if self.role:
            base, recipient = role_spec(self.role), f"{BASE}/saml-role/sso"
        else:
            base, recipient = self.site.user_spec(), f"{BASE}/saml/SSO"
            base = replace(base, audiences=audience(user_sso_entity_id(BASE, self.site.account_id)))
        made = replace(
            base,
            response_id=f"_response{number}",
            assertion_id=f"_assertion{number}",
            response_issue_instant=at(-5),
            assertion_issue_instant=at(-5),
            confirmation_data_attributes=f'NotOnOrAfter="{at(300)}" Recipient="{recipient}"',
            conditions_attributes=f'NotBefore="{at(-60)}" NotOnOrAfter="{at(300)}"',
            authn_attributes=f'AuthnInstant="{at(-30)}" SessionIndex="_s{number}" SessionNotOnOrAfter="{at(3600)}"',
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def post(self, message: str, browser: Browser | None = None) -> TestResponse:
        path = "/saml-role/sso" if self.role else "/saml/SSO"
        answer = (browser or self.site.browser()).post(path, data={"SAMLResponse": message})
        answer.close()  # what is done after the answer is done by now
        return answer

    def sign_in(self, key: str = OLD, **changes: object) -> TestResponse:
        return self.post(signed(self.spec(**changes), key))
