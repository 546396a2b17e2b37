"""The script that `modelyard serve MODEL streamlit` runs, and that its users make their own of."""
