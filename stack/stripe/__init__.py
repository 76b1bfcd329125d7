"""A stand-in for Stripe on this machine: its API, its payment page and its webhooks, without money."""
