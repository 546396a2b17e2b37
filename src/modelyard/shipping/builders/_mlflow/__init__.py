"""Parts of the builder of MLflow's folders."""
