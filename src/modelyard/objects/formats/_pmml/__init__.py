"""PMML documents: checked as XML before Java reads them, made of other models, and scored in a Java process of our own."""
