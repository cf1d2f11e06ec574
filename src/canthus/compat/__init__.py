"""Drop-in modules for users of other packages; see docs/migrating.md."""
