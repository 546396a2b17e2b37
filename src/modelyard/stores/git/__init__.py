"""The one place that speaks to Git: its command, repositories here and behind URLs, and what they hold at a commit."""
