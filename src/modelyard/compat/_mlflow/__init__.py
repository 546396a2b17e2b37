"""What MLflow kept, brought into a yard: read from its database, its folder or its server, told as records."""
