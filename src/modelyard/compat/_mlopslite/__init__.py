"""A registry that mlops-lite kept, brought into a yard: `reading` knows its tables, `migrating` writes ours."""
