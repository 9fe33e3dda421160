"""Who works at the sample company, and what it is called. Needs no library, so that its IdP starts quickly."""

from dataclasses import dataclass

ALIAS = "example"
LAB_ALIAS = "example-lab"
DOMAIN = "example.com"
PROVIDER = "CompanyIdP"
OIDC_PROVIDER = "CompanyOIDC"
LAB_VISITOR, LAB_TESTER = "visitor", "tester"
OWNER_LOGIN = "owner@example.com"
DEVELOPERS = "developers"


@dataclass(frozen=True, slots=True)
class Person:
    login: str
    display_name: str
    job: str
    system_policies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()  # account alias and role name
    has_ram_user: bool = True
    methods: tuple[str, ...] = ("pwd",)  # how the company's sign-in says that it knew this person

    @property
    def upn(self) -> str:
        return f"{self.login}@{DOMAIN}"

    def role_names(self, account_alias: str) -> tuple[str, ...]:
        return tuple(name for alias, name in self.roles if alias == account_alias)


PEOPLE = (
    Person(
        login="alice",
        display_name="Alice",
        job="administrator",
        methods=("pwd", "otp", "mfa"),
        system_policies=("AdministratorAccess",),
        roles=((ALIAS, "admin"), (ALIAS, "developer"), (ALIAS, "reader"), (LAB_ALIAS, LAB_VISITOR)),
    ),
    Person(
        login="bob",
        display_name="Bob",
        job="developer",
        groups=(DEVELOPERS,),
        roles=((ALIAS, "developer"),),
    ),
    Person(
        login="carol",
        display_name="Carol",
        job="auditor",
        system_policies=("ReadOnlyAccess",),
        roles=((ALIAS, "reader"), (LAB_ALIAS, LAB_VISITOR)),
    ),
    Person(
        login="dave",
        display_name="Dave",
        job="contractor",
        roles=((ALIAS, "reader"),),
        has_ram_user=False,
    ),
)
