"""What a folder with ``MLmodel`` says, in our words and back."""
