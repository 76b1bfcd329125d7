"""The fan-out of migrations over all schemas: plan, waves, journal, and the lanes outside the DDL transaction."""
