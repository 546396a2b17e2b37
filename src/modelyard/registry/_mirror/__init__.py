"""What keeping two registries in step is made of: what both can hold, what each changed, the drafts for each. All pure."""
