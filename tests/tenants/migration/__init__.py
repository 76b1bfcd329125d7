"""The fan-out of migrations, against a real server and with revisions that are thrown away afterwards."""
