"""How the installation behaves with very many tenants: `make scale`."""
