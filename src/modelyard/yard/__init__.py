"""One place where everything is kept together: data sets, models, predictions, history; and loading by name.

`Yard` joins the folders below it. `verbs` are the functions of the public interface that need to know names.
"""
