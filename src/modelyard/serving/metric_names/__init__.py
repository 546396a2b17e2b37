"""Names under which other servers show their figures, for dashboards that people have already."""
