"""What trains, and is logged by itself: one file a library, named like it (`autologging/interface.py`)."""
