"""Other ways to call a model's methods than on the tables they were saved with: quicker ones, with equal answers."""
