"""Who acts. Typed values, never texts to be searched in: two principals are equal only if every field is."""

from dataclasses import dataclass

from gateway.arn import assumed_role_arn, role_arn, root_arn, user_arn


@dataclass(frozen=True, slots=True)
class AccountOwner:
    """The owner of an account. No policy is needed for it and none restricts it."""

    account_id: str
    login: str

    @property
    def arn(self) -> str:
        return root_arn(self.account_id)


@dataclass(frozen=True, slots=True)
class RamUser:
    account_id: str
    user_id: str
    name: str

    @property
    def arn(self) -> str:
        return user_arn(self.account_id, self.name)


@dataclass(frozen=True, slots=True)
class RoleSession:
    """Somebody acting as a role. Rights come live from the role and are narrowed by the session policy."""

    account_id: str
    role_id: str
    role_name: str
    session_name: str
    session_policy: str | None = None  # policy document text, checked when the session was made

    @property
    def arn(self) -> str:
        return assumed_role_arn(self.account_id, self.role_name, self.session_name)

    @property
    def role_arn(self) -> str:
        return role_arn(self.account_id, self.role_name)


Principal = AccountOwner | RamUser | RoleSession
