"""One success and one refusal for every operation that the gateway claims, a module per family."""
