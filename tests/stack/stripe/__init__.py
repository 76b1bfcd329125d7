"""The stand-in for Stripe, driven by Stripe's own library."""
