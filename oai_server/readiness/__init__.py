"""What portals and harvesters would refuse: of records, and of a running server."""
