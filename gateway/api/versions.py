"""The products on this wire. A version names one; operations of the same name in two of them are two operations."""

RAM = "2015-05-01"
IMS = "2019-08-15"
STS = "2015-04-01"
RESOURCES = "2026-11-01"  # ours: resources that outlive the user who made them

# How the last use of an access key names the product that was called.
SERVICE_NAMES = {RAM: "Ram", IMS: "Ims", STS: "Sts", RESOURCES: "Ram"}
