"""Reading the files that MLEM wrote: models by `steps` and `pickles`, data by `values`."""
