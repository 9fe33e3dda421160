"""Who has a password and a second factor here: a RAM user, or an account's owner. Roles have neither."""

from gateway.directory.accounts import Account
from gateway.directory.users import User

Holder = User | Account  # an account stands for its owner


def account_id_of(holder: Holder) -> str:
    return holder.account_id if isinstance(holder, User) else holder.id


def login_name_of(holder: Holder) -> str:
    """What the person types to sign in: a user's name, an owner's login."""
    return holder.name if isinstance(holder, User) else holder.owner_login
