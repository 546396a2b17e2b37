"""Parts of the importer of MLflow's folders."""
