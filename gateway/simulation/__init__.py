"""What would happen: a call or a login foreseen, who can reach what, and recorded decisions asked again under a change.

Everything here asks the live code (`directory.authorization`, `policy`, `federation`, `sts.assume`) in reading
sessions; nothing is decided a second way, and nothing is written.
"""
