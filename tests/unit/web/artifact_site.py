"""A gateway on somebody's own machine, and a SAML provider beside it that answers by reference."""

from dataclasses import dataclass, replace
from typing import Any

from werkzeug.test import TestResponse

from gateway.asking import RequestOptions, ResponseBinding
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.request_options import set_request_options
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.federation.trust_document import saml_trust_document
from gateway.saml.names import role_sso_recipient, user_sso_consumer_url, user_sso_entity_id
from tests.artifact_keeper import ArtifactKeeper
from tests.fake_clock import NOON
from tests.saml_asking import answer_to, relay_state_in, request_in
from tests.saml_factory import Spec, at
from tests.unit.web.oidc_site import DEVELOPMENT, LocalBrowser
from tests.unit.web.site import Site, audience, idp_metadata, role_spec

ROLE_ACS = "/saml-role/sso"
BY_REFERENCE = RequestOptions(binding=ResponseBinding.ARTIFACT)


@dataclass(slots=True)
class ArtifactSite:
    site: Site
    keeper: ArtifactKeeper
    value: str = ""  # of the Role attribute

    def browser(self) -> LocalBrowser:
        return LocalBrowser(self.site.app)

    def set_up(self, *, options: RequestOptions = BY_REFERENCE, url: str = "") -> None:
        """A provider `corp` and a role `reader` that trusts it."""
        account_id = self.site.account_id
        metadata = idp_metadata(artifacts_at=url or self.keeper.url)
        provider = f"acs:ram::{account_id}:saml-provider/corp"
        with self.site.services.store.transaction() as session:
            made = create_saml_provider(session, account_id, "corp", metadata, now=NOON)
            set_request_options(session, account_id, saml_provider_key(made.id), options, now=NOON)
            trust = saml_trust_document(provider, role_sso_recipient(DEVELOPMENT))
            create_role(session, account_id, "reader", trust_document=trust, now=NOON)
        self.value = f"acs:ram::{account_id}:role/reader,{provider}"

    def set_up_user_sso(self) -> None:
        account_id, key = self.site.account_id, user_sso_key(self.site.account_id)
        with self.site.services.store.transaction() as session:
            metadata = idp_metadata(artifacts_at=self.keeper.url)
            set_user_sso(session, account_id, enabled=True, metadata_xml=metadata, now=NOON)
            set_request_options(session, account_id, key, BY_REFERENCE, now=NOON)

    def user_spec(self) -> Spec:
        consumer = user_sso_consumer_url(DEVELOPMENT)
        return replace(
            self.site.user_spec(),
            destination=consumer,
            confirmation_data_attributes=f'NotOnOrAfter="{at(300)}" Recipient="{consumer}"',
            audiences=audience(user_sso_entity_id(DEVELOPMENT, self.site.account_id)),
        )

    def spec(self, request_id: str, **changes: Any) -> Spec:
        recipient = role_sso_recipient(DEVELOPMENT)
        spec = role_spec(
            self.value,
            destination=recipient,
            confirmation_data_attributes=f'NotOnOrAfter="{at(300)}" Recipient="{recipient}"',
        )
        return answer_to(request_id, spec, **changes)

    def begun(self, browser: LocalBrowser) -> tuple[str, str]:
        """Begin a login for a role: the ID of the request, and the RelayState that went along."""
        answer = browser.get("/saml-role/start/acme/corp")
        return request_in(answer).id, relay_state_in(answer)

    def bring(self, browser: LocalBrowser, reference: str, relay_state: str, **more: str) -> TestResponse:
        return browser.get(ROLE_ACS, query_string={"SAMLart": reference, "RelayState": relay_state, **more})
