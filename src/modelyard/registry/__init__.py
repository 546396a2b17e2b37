"""The registry: which version has which name, stage and alias; `verbs` act, `queries` ask, `fold` makes states of events."""
