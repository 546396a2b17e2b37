"""Models of Spark ML: what may stand in their folder, the session that reads them, and tables in and out."""
