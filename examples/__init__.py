"""Services that ask the gateway. Examples to read and to copy from: nothing in `gateway/` knows them."""
