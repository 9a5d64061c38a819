"""PostgreSQL: schema, migrations, named SQL, pools, the embedded server, verify, backup."""
