"""Where everything is kept: tables, migrations, the database, and the vault for secrets at rest."""
